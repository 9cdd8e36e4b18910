# Three images from one build: `--target base`, which a team's own image begins with, `--target gateway`, and
# `--target reference` (auth, chat, video and storage in one).
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its install script here: the runtime is the image's own.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY nest-cli.json tsconfig.json ./
COPY apps apps
COPY libs libs
RUN node_modules/.bin/nest build gateway && node_modules/.bin/nest build reference

FROM build AS package
COPY CHANGELOG.md LICENSE ./
COPY package package
COPY templates templates
COPY scripts/package.mjs scripts/package.mjs
RUN node scripts/package.mjs

FROM ${NODE_IMAGE} AS production-packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
WORKDIR /app
COPY --from=production-packages /app/node_modules node_modules
COPY package.json ./
COPY scripts/health-check.mjs health-check.mjs
# Numbers, so that an orchestrator can see that it is not root.
USER 1000:1000
HEALTHCHECK --interval=15s --timeout=5s --retries=3 --start-period=30s CMD ["node", "health-check.mjs"]

FROM runtime AS reference
USER 0:0
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
ENV DATA_DIR=/data
VOLUME /data
COPY --from=build /app/dist/apps/reference dist/apps/reference
CMD ["node", "dist/apps/reference/src/main.js"]

# Has the npm package with its peers, as its packages are those of the gateway: `FROM` it and `COPY dist dist`.
FROM runtime AS base
COPY --from=package /app/dist/package node_modules/@secureconnect/gateway
EXPOSE 8080
# Less memory at no more CPU time. By itself Node takes 128 MiB for young objects on a large machine, and malloc some for each
# thread; and where many requests wait at a time, V8 makes all objects of those that follow old at once.
ENV MALLOC_ARENA_MAX=1
CMD ["node", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "dist/main.js"]

# Last, so that it is what a build without a target makes.
FROM base AS gateway
COPY --from=build /app/dist/apps/gateway dist/apps/gateway
COPY --from=build /app/dist/libs dist/libs
CMD ["node", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "dist/apps/gateway/src/main.js"]
