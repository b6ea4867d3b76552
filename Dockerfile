# One image for every part: the command says which. It runs as an ordinary user and holds no secret.
#
#   docker build -t marquee .
#
# On Linux the default index gives torch for NVIDIA GPUs, which also runs on a CPU but is large. For a small
# image, name PyTorch's index of CPU builds: --build-arg TORCH_INDEX=https://…
FROM python:3.12-slim AS build
ARG TORCH_INDEX
WORKDIR /src
RUN python -m venv /opt/marquee
ENV PATH=/opt/marquee/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY constraints.txt ./
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0 torchvision==0.28.0
COPY pyproject.toml README.md LICENSE ./
COPY marquee marquee
COPY catalog catalog
COPY tagger tagger
COPY training training
COPY review review
COPY worker worker
COPY migrations migrations
RUN pip install -c constraints.txt .

FROM python:3.12-slim
RUN useradd --system --create-home --home-dir /var/lib/marquee --uid 10001 marquee
COPY --from=build /opt/marquee /opt/marquee
ENV PATH=/opt/marquee/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MARQUEE_HOME=/var/lib/marquee \
    MARQUEE_LOG_JSON=true
USER marquee
WORKDIR /var/lib/marquee
VOLUME /var/lib/marquee
ENTRYPOINT ["marquee"]
CMD ["--help"]
