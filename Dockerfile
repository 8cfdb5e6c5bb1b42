# chatctl in an image. Write its wheel into dist/ first: uv build --wheel --clear
FROM python:3.13-slim
RUN --mount=type=bind,source=dist,target=/dist pip install --no-cache-dir /dist/*.whl
WORKDIR /work
USER 10001
ENTRYPOINT ["chatctl"]
