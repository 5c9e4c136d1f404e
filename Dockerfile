# One image for coordinator and nodes, x86-64 and ARM alike. Only the libraries of BASE matter; the runtime is the lock file's own.
#   docker build --tag entente .
# Where npm needs a registry, a proxy or a certificate of your own: --secret id=npmrc,src=$HOME/.npmrc
ARG BASE=debian:trixie-slim
ARG BUILD_BASE=node:26-trixie-slim

FROM ${BUILD_BASE} AS build
WORKDIR /app
COPY . .
# The sources run as they are. `npm ci` builds what is not written by hand; then what only building needs goes. Node
# needs libatomic, which no slim base has.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=cache,target=/root/.npm \
    npm ci \
    && mkdir -p /image/usr/local/bin /image/app \
    && cp node_modules/node/bin/node /image/usr/local/bin/node \
    && cp --parents /usr/lib/*-linux-gnu/libatomic.so.1 /image \
    && npm prune --omit=dev --ignore-scripts \
    && cp -a package.json LICENSE node_modules proto coordinator party sdk /image/app/ \
    && ln -s /app/sdk/cli/entente.js /image/usr/local/bin/entente

FROM ${BASE}
COPY --from=build /image/ /
# A named volume takes its owner from here.
RUN install --directory --owner=1000 --group=1000 --mode=0700 /data /feeds
USER 1000:1000
WORKDIR /data
ENV NODE_ENV=production ENTENTE_NODE=/data
ENTRYPOINT ["entente"]
CMD ["--help"]
