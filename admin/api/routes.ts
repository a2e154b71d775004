/** Every route of the API, in the order of its document. */
import type { AdminApi } from '../server.js';
import type { ApiApp } from './api.js';
import { addAuditRoutes } from './audit.js';
import { addBillRoutes } from './bills.js';
import { addBudgetRoutes } from './budgets.js';
import { addClaimSecretRoutes } from './claim-secrets.js';
import { addControlRoutes } from './control.js';
import { addCostRoutes } from './costs.js';
import { addCredentialRoutes } from './credentials.js';
import { addFreezeRoutes } from './freezes.js';
import { addKillRoute } from './kills.js';
import { addMappingRoutes } from './mapping.js';
import { addMeRoute } from './me.js';
import { addPassRoutes } from './passes.js';
import { addRaiseRoutes } from './raises.js';
import { addReplicaRoutes } from './replicas.js';
import { addRequestRoutes } from './requests.js';
import { addRunningRoute } from './running.js';
import { addRuleRoutes } from './rules.js';
import { addServiceKeyRoutes } from './service-keys.js';
import { addSessionRoutes } from './sessions.js';
import { addTeamRoutes } from './teams.js';
import { addTicketRoutes } from './tickets.js';
import { addTokenRoutes } from './tokens.js';
import { addUsageFileRoute } from './usage-files.js';
import { addUsageImportRoutes } from './usage-imports.js';

/** Registers all of them on a scope that is guarded already. */
export function addApiRoutes(routes: ApiApp, api: AdminApi): void {
  const { ids, sealKeys, signIn } = api;
  addMeRoute(routes);
  addTokenRoutes(routes, api, ids);
  addAuditRoutes(routes, api);
  addControlRoutes(routes, api);
  addMappingRoutes(routes, api);
  addRuleRoutes(routes, api);
  addTeamRoutes(routes, api);
  addBudgetRoutes(routes, api);
  addBillRoutes(routes, api);
  addCostRoutes(routes, api);
  addUsageImportRoutes(routes, api);
  if (api.usageFiles !== undefined) addUsageFileRoute(routes, api, api.usageFiles);
  addTicketRoutes(routes, api);
  addKillRoute(routes, api);
  addFreezeRoutes(routes, api);
  addRunningRoute(routes, api);
  addRequestRoutes(routes, api);
  addPassRoutes(routes, api);
  addRaiseRoutes(routes, api);
  addReplicaRoutes(routes, api);
  addSessionRoutes(routes, api);
  addClaimSecretRoutes(routes, api, { sealKeys, randomBytes: (size) => ids.randomBytes(size) });
  if (signIn === undefined) return;
  addCredentialRoutes(routes, { ...api, signIn });
  addServiceKeyRoutes(routes, { ...api, signIn });
}
