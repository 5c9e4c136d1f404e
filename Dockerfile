# The runtime itself comes from the lock file, so any Node that can run npm serves as the base.
ARG BASE=node:26-slim
FROM ${BASE}
WORKDIR /app
COPY . .
RUN npm ci && mkdir /data && chown 1000:1000 /data
USER 1000:1000
ENV PATH=/app/node_modules/.bin:$PATH
CMD ["npx", "--no-install", "entente", "--help"]
