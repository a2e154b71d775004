/** Every route of the API, in the order of its document. */
import type { AdminApi } from '../admin-api.js';
import type { SignInLog } from '../stores/sign-in-log.js';
import type { ApiApp } from './api.js';
import { addAccuracyRoute } from './accuracy.js';
import { addAdjustmentRoutes } from './adjustments.js';
import { addAnomalyRoutes } from './anomalies.js';
import { addAuditRoutes } from './audit.js';
import { addBillDeliveryRoutes } from './bill-deliveries.js';
import { addBillExportRoute } from './bill-exports.js';
import { addBillListRoute } from './bill-list.js';
import { addBillRoutes } from './bills.js';
import { addBudgetRoutes } from './budgets.js';
import { addClaimSecretRoutes } from './claim-secrets.js';
import { addCloseRoutes } from './closes.js';
import { addControlRoutes } from './control.js';
import { addBypassRoute } from './bypass.js';
import { addCostHourRoute } from './cost-hours.js';
import { addCostServiceRoute } from './cost-services.js';
import { addCostRoutes } from './costs.js';
import { addCredentialRoutes } from './credentials.js';
import { addEventRoute, type EventsApi } from './events.js';
import { addExchangeRateRoutes } from './exchange-rates.js';
import { addExplainRoute } from './explain.js';
import { addDisputeRoutes } from './disputes.js';
import { addFinanceExportRoutes } from './finance-exports.js';
import { addFreezeRoutes } from './freezes.js';
import { addKillRoute } from './kills.js';
import { addMappingRoutes } from './mapping.js';
import { addMeRoute } from './me.js';
import { addNotificationRoutes } from './notifications.js';
import { addPassRoutes } from './passes.js';
import { addPriceSheetRoutes } from './price-sheets.js';
import { addPriceRoutes } from './prices.js';
import { addQuarantineRoutes } from './quarantine.js';
import { addRaiseRoutes } from './raises.js';
import { addReconciliationRoute } from './reconciliation.js';
import { addReplicaRoutes } from './replicas.js';
import { addRequestRoutes } from './requests.js';
import { addRunRateRoutes } from './run-rates.js';
import { addRunningRoute } from './running.js';
import { addRuleRoutes } from './rules.js';
import { addServiceKeyRoutes } from './service-keys.js';
import { addSessionRoutes } from './sessions.js';
import { addSignInListRoutes } from './sign-ins.js';
import { addTeamRoutes } from './teams.js';
import { addTeamSplitRoutes } from './team-splits.js';
import { addTicketRoutes } from './tickets.js';
import { addTierRoute } from './tiers.js';
import { addTokenRoutes } from './tokens.js';
import { addUsageFileRoute } from './usage-files.js';
import { addUsageImportRoutes } from './usage-imports.js';

/** Registers all of them on a scope that is guarded already. */
export function addApiRoutes(
  routes: ApiApp,
  api: AdminApi,
  { events, signInLog }: { readonly events: EventsApi; readonly signInLog: SignInLog },
): void {
  const { ids, sealKeys, signIn } = api;
  addMeRoute(routes);
  addSignInListRoutes(routes, signInLog);
  addEventRoute(routes, api, events);
  addTokenRoutes(routes, api, ids);
  addAuditRoutes(routes, api);
  addControlRoutes(routes, api);
  addMappingRoutes(routes, api);
  addRuleRoutes(routes, api);
  addTeamRoutes(routes, api);
  addTeamSplitRoutes(routes, api);
  addBudgetRoutes(routes, api);
  addBillListRoute(routes, api);
  if (api.bills !== undefined) {
    addBillRoutes(routes, api, api.bills);
    addBillExportRoute(routes, api.bills);
    addBillDeliveryRoutes(routes, api, api.bills);
  }
  addCloseRoutes(routes, api);
  addAdjustmentRoutes(routes, api);
  addDisputeRoutes(routes, api);
  addFinanceExportRoutes(routes, api);
  addCostRoutes(routes, api);
  addCostHourRoute(routes, api);
  addCostServiceRoute(routes, api);
  addBypassRoute(routes, api);
  addPriceRoutes(routes, api);
  addPriceSheetRoutes(routes, api);
  addExchangeRateRoutes(routes, api);
  addReconciliationRoute(routes, api);
  addUsageImportRoutes(routes, api);
  if (api.usageFiles !== undefined) addUsageFileRoute(routes, api, api.usageFiles);
  addTicketRoutes(routes, api);
  addAccuracyRoute(routes, api);
  addExplainRoute(routes, api, api.price);
  addTierRoute(routes, api);
  addKillRoute(routes, api);
  addFreezeRoutes(routes, api);
  addRunningRoute(routes, api);
  addRunRateRoutes(routes, api);
  addRequestRoutes(routes, api);
  addPassRoutes(routes, api);
  addQuarantineRoutes(routes, api);
  addNotificationRoutes(routes, api);
  addAnomalyRoutes(routes, api);
  addRaiseRoutes(routes, api);
  addReplicaRoutes(routes, api);
  addSessionRoutes(routes, api);
  addClaimSecretRoutes(routes, api, { sealKeys, randomBytes: (size) => ids.randomBytes(size) });
  if (signIn === undefined) return;
  addCredentialRoutes(routes, { ...api, signIn });
  addServiceKeyRoutes(routes, { ...api, signIn });
}
