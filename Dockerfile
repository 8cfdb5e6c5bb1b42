# An image with chatctl. Before you build the image, write the wheel of chatctl into dist/: uv build --wheel
FROM python:3.13-slim
RUN --mount=type=bind,source=dist,target=/dist pip install --no-cache-dir --root-user-action=ignore /dist/*.whl
WORKDIR /work
USER 10001
ENTRYPOINT ["chatctl"]
