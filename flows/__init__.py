if __name__ == "flows":
    raise ImportError("this folder is the package 'kaon.flows': write: from kaon.flows import …")
