# A plugin in Python: the folder that `servehttp init notes --template python` makes.
#
#   docker build -f deploy/docker/plugin-python.Dockerfile -t servehttp-notes:0.1.0 notes

FROM python:3.14.1-slim-trixie AS build
WORKDIR /app
# Wheels as well, where the folder has some.
COPY requirements.txt *.whl ./
RUN python -m venv /app/.venv && /app/.venv/bin/pip install --no-cache-dir -r requirements.txt
COPY . .

# The same interpreter, because the virtual environment refers to it.
FROM python:3.14.1-slim-trixie
COPY --from=build /app /app
WORKDIR /app
USER 65532:65532
# Nothing writes .pyc files, and what is printed is seen at once.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SERVEHTTP_ADDRESS=0.0.0.0:50051
EXPOSE 50051
ENTRYPOINT ["/app/.venv/bin/python", "plugin.py"]
