/** All routes. Each says itself who may use it, what it takes and what it answers. */
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { type Api, prefix, type Server } from "./api.ts";
import { addAppConfigRoutes } from "./routes/app-config.ts";
import { addAppRoutes } from "./routes/apps.ts";
import { addAuditRoutes } from "./routes/audit.ts";
import { addCheckRoutes } from "./routes/check.ts";
import { addClassicRoutes } from "./routes/classic.ts";
import { addConfigRoutes } from "./routes/configs.ts";
import { addEnvironmentRoutes } from "./routes/environment.ts";
import { addEventRoutes } from "./routes/events.ts";
import { addHealthRoutes } from "./routes/health.ts";
import { addHistoryRoutes } from "./routes/history.ts";
import { addLoginRoutes } from "./routes/login.ts";
import { addSealRoutes } from "./routes/seal.ts";
import { addServiceRoutes } from "./routes/services.ts";
import { addSettingsRoutes } from "./routes/settings.ts";
import { addSocketRoutes } from "./routes/ws.ts";
import type { Problem } from "./schemas.ts";

const rooms = [
  addSettingsRoutes,
  addHistoryRoutes,
  addSealRoutes,
  addEnvironmentRoutes,
  addCheckRoutes,
  addServiceRoutes,
  addEventRoutes,
  addLoginRoutes,
  addAuditRoutes,
];

export function addRoutes(server: Server, api: Api, fault: (problem: Problem, thrown: unknown) => void): void {
  addHealthRoutes(server, api);
  addConfigRoutes(server, api);
  addSocketRoutes(server, api);
  server.register(
    (scope, _options, done) => {
      for (const add of rooms) add(scope.withTypeProvider<ZodTypeProvider>(), api);
      done();
    },
    { prefix },
  );
  server.register(
    (scope, _options, done) => {
      const apps = scope.withTypeProvider<ZodTypeProvider>();
      addAppRoutes(apps, api);
      addAppConfigRoutes(apps, api);
      done();
    },
    { prefix: "/api" },
  );
  // A scope of its own, as it has errors of its own.
  server.register(
    (scope, _options, done) => {
      addClassicRoutes(scope.withTypeProvider<ZodTypeProvider>(), api, fault);
      done();
    },
    { prefix: "/api" },
  );
}
