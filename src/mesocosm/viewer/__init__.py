"""The server that shows recorded worlds in a browser, on this machine only. Starlette and uvicorn, no jax."""
