"""What runs Kaon's results elsewhere: the server of published recommenders, and what containers are made of."""

if __name__ == "deploy":
    raise ImportError("this folder is the package 'kaon.deploy': write: from kaon.deploy import …")
