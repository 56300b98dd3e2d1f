def write(folder, sources): pass
