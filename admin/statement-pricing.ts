/** Pricing a statement that is not run: what the API asks, and what the composition root answers by the proxy's own steps. */
import type { PrincipalDocument, TeamDocument } from '#policies/control/document.js';
import type { ControlVersion } from './stores/control-store.js';

/** Who would send what. Names are as the caller wrote them. */
export interface PriceQuestion {
  readonly sqlText: string;
  readonly control: ControlVersion;
  readonly principal: PrincipalDocument;
  readonly team: TeamDocument;
  readonly account: string;
  readonly role: string | null;
  /** Absent: that of the default tier. */
  readonly warehouse: string | undefined;
  readonly database: string | null;
  readonly schema: string | null;
  readonly client: string;
}

/** Credits with their price. */
export interface CreditsAndAmount {
  credits: string;
  amount: string;
}

interface ReasonJson {
  source: string;
  message: string;
}

/** The answer, as the API gives it. */
export interface PricedStatement {
  principal: string;
  team: string;
  account: string;
  tier: string | null;
  warehouse: string | null;
  warehouseSize: string | null;
  currency: string | null;
  decision: 'allow' | 'queue' | 'reroute' | 'approve' | 'refuse';
  refusal: { code: string; message: string } | null;
  isFree: boolean;
  reasons: ReasonJson[];
  warnings: ReasonJson[];
  estimate: {
    basis: string;
    basisText: string;
    low: CreditsAndAmount;
    expected: CreditsAndAmount;
    high: CreditsAndAmount;
    expectedSeconds: number;
    bytes: number | null;
    partitions: { assigned: number; total: number } | null;
  } | null;
  hold: CreditsAndAmount | null;
  ceiling: CreditsAndAmount | null;
  budgets: {
    budgetId: string;
    isHard: boolean;
    availableCredits: string | null;
    isShort: boolean;
    periodEndsAt: string;
  }[];
  cheaper: { table: string; column: string; range: string; after: CreditsAndAmount }[];
  statements: {
    class: string;
    isOpaque: boolean;
    tablesRead: string[];
    tablesWritten: string[];
    unknown: string[];
  }[];
}

/**
 * Prices a statement without running it or holding anything. Faults: `ledgerUnavailable`; what has no statement in it
 * is null.
 */
export type PriceStatement = (question: PriceQuestion) => Promise<PricedStatement | null>;
