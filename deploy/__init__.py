"""What runs Kaon's results elsewhere: the server of published models, and the files that containers are made of."""

if __name__ == "deploy":
    raise ImportError("this folder is the package 'kaon.deploy': write: from kaon.deploy import …")
