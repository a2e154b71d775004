# syntax=docker/dockerfile:1
# One image, every role: `serve --role proxy`, `--role admin`, `--role worker`, `--role warehouse`.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY . .
# Tests and benchmarks are compiled with the rest and not shipped.
RUN npm run build && rm -rf dist/test dist/bench dist/.tsbuildinfo
RUN npm prune --omit=dev --no-audit --no-fund --loglevel=error

FROM node:24-slim
LABEL org.opencontainers.image.title="tollgate" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
ENV NODE_ENV=production \
    TOLLGATE_HOST=0.0.0.0 \
    TOLLGATE_DATA_DIR=/var/lib/tollgate
RUN mkdir -p /var/lib/tollgate && chown node:node /var/lib/tollgate && chmod 0700 /var/lib/tollgate
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/migrations ./migrations
COPY --from=build /app/bin ./bin
USER node
VOLUME /var/lib/tollgate
EXPOSE 8080 8081 8082
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TOLLGATE_ADMIN_PORT || 8081}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/tollgate.js"]
CMD ["serve"]
