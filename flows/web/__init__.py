"""What the pages for people share: who may ask, how a body is read, how a page is made, and the server."""
