if __name__ == "steps":
    raise ImportError("this folder is the package 'kaon.steps': write: from kaon.steps import …")
