/**
 * The columns of FOCUS's Cost and Usage that a billed month has, in one table: name, versions, what FOCUS asks for, where
 * the value comes from. The export, docs/focus.md and the tests are made of it.
 *
 * Left out, as Snowflake has none of it: availability zones, capacity reservations, commitment discounts; and contracts,
 * which are known by their prices only.
 */
import { formatExact, formatPlain } from '#base/exact.js';
import { UNALLOCATED } from '../billed-month.js';
import { type Column, type ColumnType, filled, nullable } from './column.js';
import { CUSTOM_COLUMNS } from './custom-columns.js';
import * as row from './row.js';
import type { FocusRow } from './row.js';
import { type FocusVersion, isInVersion } from './versions.js';

const MUST = { feature: 'Mandatory', type: 'String' } as const;
const MUST_MONEY = { feature: 'Mandatory', type: 'Decimal' } as const;
const MUST_TIME = { feature: 'Mandatory', type: 'DateTime' } as const;
const MAY = { feature: 'Conditional', type: 'String' } as const;
const MAY_DECIMAL = { feature: 'Conditional', type: 'Decimal' } as const;
const MAY_JSON = { feature: 'Conditional', type: 'JSON' } as const;
const SHOULD = { feature: 'Recommended', type: 'String' } as const;

const WHO_AND_WHEN: readonly Column<FocusRow>[] = [
  filled('BillingAccountId', MUST, 'organisation', (of) => of.month.organisation.id),
  nullable('BillingAccountName', MUST, 'organisation', (of) => of.month.organisation.name),
  filled('BillingAccountType', MAY, '`Organization`', () => 'Organization'),
  filled('BillingCurrency', MUST, "the organisation's", (of) => of.month.currency),
  filled('BillingPeriodEnd', MUST_TIME, 'the month, end exclusive', (of) => of.billingPeriod.end),
  filled('BillingPeriodStart', MUST_TIME, 'the month', (of) => of.billingPeriod.start),
  filled('ChargePeriodEnd', MUST_TIME, 'the day, end exclusive', (of) => of.chargePeriod.end),
  filled(
    'ChargePeriodStart',
    MUST_TIME,
    'the UTC day; of a correction the day that it mends; of rounding the month',
    (of) => of.chargePeriod.start,
  ),
  nullable('SubAccountId', MAY, 'account', (of) => of.line.account),
  nullable('SubAccountName', MAY, 'account', (of) => of.line.account),
  nullable('SubAccountType', MAY, '`Account`', () => 'Account'),
];

const WHAT: readonly Column<FocusRow>[] = [
  filled(
    'ChargeCategory',
    MUST,
    '`Usage` of what was metered; `Adjustment`, or `Credit` below zero, of what was written down; `Adjustment` of rounding',
    (of) => of.category,
  ),
  nullable('ChargeClass', MUST, '`Correction` of what mends a closed month', (of) =>
    of.isCorrection ? 'Correction' : null,
  ),
  nullable('ChargeDescription', MUST, 'service and resource', row.descriptionOf),
  filled('ChargeFrequency', SHOULD, '`Usage-Based`; `One-Time` of what is no usage', (of) =>
    of.category === 'Usage' ? 'Usage-Based' : 'One-Time',
  ),
  filled(
    'HostProviderName',
    { ...MUST, since: '1.3' },
    'cloud of the account; `Snowflake` where it is not known',
    row.hostOf,
  ),
  nullable(
    'InvoiceDetailId',
    { ...MAY, since: '1.4' },
    'the row of Invoice Detail, once the month is closed',
    (of) => (row.isInvoiced(of.month) ? row.invoiceDetailIdOf(of.month, of) : null),
  ),
  nullable(
    'InvoiceId',
    SHOULD,
    "organisation and month, once it is closed: Snowflake's own number is in none of its views",
    (of) => row.invoiceIdOf(of.month),
  ),
  filled('InvoiceIssuerName', MUST, '`Snowflake`', () => row.ISSUER),
  { ...filled<FocusRow>('ProviderName', MUST, '`Snowflake`', () => row.ISSUER), until: '1.3' },
  { ...filled<FocusRow>('PublisherName', MUST, '`Snowflake`', () => row.ISSUER), until: '1.3' },
  nullable('RegionId', MAY, 'region of the account', row.regionOf),
  nullable('RegionName', MAY, 'region of the account', row.regionOf),
  nullable('ResourceId', MAY, 'account and resource', row.resourceIdOf),
  nullable('ResourceName', MAY, 'warehouse, database, …', row.resourceOf),
  nullable('ResourceType', MAY, '`Virtual Warehouse`, …', row.resourceTypeOf),
  filled('ServiceCategory', MUST, 'by service type', (of) => of.service.category),
  filled('ServiceName', MUST, 'by service type', (of) => of.service.name),
  filled('ServiceProviderName', { ...MUST, since: '1.3' }, '`Snowflake`', () => row.ISSUER),
  filled('ServiceSubcategory', SHOULD, 'by service type', (of) => of.service.subcategory),
  nullable('SkuId', MAY, 'service type and meter; ours, as Snowflake publishes none', row.skuIdOf),
  nullable('SkuMeter', MAY, '`Compute`, `Cloud Services`, …', (of) =>
    row.skuIdOf(of) === null ? null : of.service.meter,
  ),
  nullable('SkuPriceDetails', MAY_JSON, 'edition of the account', row.skuDetailsOf),
  nullable('SkuPriceId', MAY, 'the SKU, edition and region', row.skuPriceIdOf),
  nullable(
    'Tags',
    MAY_JSON,
    'in 1.2, which has no AllocatedTags, those; later empty: tags of warehouses are not imported',
    (of) => (of.version === '1.2' ? row.teamTagsOf(of) : null),
  ),
];

const MONEY: readonly Column<FocusRow>[] = [
  filled(
    'BilledCost',
    MUST_MONEY,
    '`EffectiveCost` without what was drawn from a prepaid balance',
    (of) => formatExact(of.billedCost),
  ),
  filled('ContractedCost', MUST_MONEY, 'quantity × contracted price, exactly', (of) =>
    formatExact(of.contractedCost),
  ),
  filled('EffectiveCost', MUST_MONEY, 'quantity × effective price, exactly', (of) =>
    formatExact(of.effectiveCost),
  ),
  filled('ListCost', MUST_MONEY, 'quantity × published price, exactly', (of) =>
    formatExact(of.listCost),
  ),
  nullable(
    'ConsumedQuantity',
    MAY_DECIMAL,
    'what was metered, before the daily adjustment of cloud services',
    row.consumedOf,
  ),
  nullable('ConsumedUnit', MAY, '`Credits`, `TB-Days`, `TB`, `Units`', row.consumedUnitOf),
  nullable('ContractedUnitPrice', MAY_DECIMAL, 'price of the contract', (of) =>
    of.pricing === null ? null : formatPlain(of.pricing.contractedPrice),
  ),
  nullable('ListUnitPrice', MAY_DECIMAL, 'published price', (of) =>
    of.pricing === null ? null : formatPlain(of.pricing.listPrice),
  ),
  nullable('PricingCategory', MAY, '`Standard` of usage', (of) =>
    of.category === 'Usage' ? 'Standard' : null,
  ),
  filled(
    'PricingCurrency',
    MAY,
    '`Snowflake Credits`; money where credits are not priced',
    row.pricingCurrencyOf,
  ),
  nullable('PricingCurrencyContractedUnitPrice', MAY_DECIMAL, '1 of credits', (of) =>
    row.pricingUnitPrice(of, 'contractedPrice'),
  ),
  filled(
    'PricingCurrencyEffectiveCost',
    MAY_DECIMAL,
    'the credits; else the money',
    row.pricingCurrencyCost,
  ),
  nullable('PricingCurrencyListUnitPrice', MAY_DECIMAL, '1 of credits', (of) =>
    row.pricingUnitPrice(of, 'listPrice'),
  ),
  nullable(
    'PricingQuantity',
    { ...MUST, type: 'Decimal' },
    'credits that are billed; terabytes; 1 where only money is known',
    (of) => (of.pricing === null ? null : formatPlain(of.pricing.quantity)),
  ),
  nullable('PricingUnit', MUST, '`Credits`, `TB-Days`, `TB`, `Units`', row.pricingUnitOf),
];

/** FOCUS 1.3: what one metered charge was split into, by whom and how. */
const SPLIT: readonly Column<FocusRow>[] = [
  allocated(
    'AllocatedMethodDetails',
    'JSON',
    'its share of the metered charge',
    row.methodDetailsOf,
  ),
  allocated('AllocatedMethodId', 'String', 'method and version of the allocation', (of) =>
    of.ratio === null ? null : of.line.method,
  ),
  allocated('AllocatedResourceId', 'String', 'team; empty: of nobody', (of) =>
    row.allocatedTo(of, UNALLOCATED),
  ),
  allocated('AllocatedResourceName', 'String', 'team; empty: of nobody', (of) =>
    row.allocatedTo(of, UNALLOCATED) === null ? null : of.bill.teamName,
  ),
  allocated('AllocatedTags', 'JSON', 'team, department and cost centre', (of) =>
    row.allocatedTo(of, UNALLOCATED) === null ? null : row.teamTagsOf(of),
  ),
];

function allocated(
  name: string,
  type: ColumnType,
  from: string,
  value: Column<FocusRow>['value'],
): Column<FocusRow> {
  const feature = type === 'JSON' && name.endsWith('Details') ? 'Recommended' : 'Conditional';
  return nullable(name, { feature, type, since: '1.3' }, from, value);
}

/** In the order of the file: FOCUS's own by name, then ours. */
export const COLUMNS: readonly Column<FocusRow>[] = [
  ...[...WHO_AND_WHEN, ...WHAT, ...MONEY, ...SPLIT].sort((a, b) => (a.name < b.name ? -1 : 1)),
  ...CUSTOM_COLUMNS,
];

/** Those that a file of this version of FOCUS has, in the order of the file. */
export function columnsOf(version: FocusVersion): readonly Column<FocusRow>[] {
  return COLUMNS.filter((column) => isInVersion(version, column));
}
