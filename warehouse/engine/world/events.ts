/**
 * ANALYTICS.WEB.EVENTS: a real sample whose statistics stand for 50 TB. Every day has the same number of sample rows,
 * so the sample has the day range of the whole and each of its rows stands for the same number of events.
 */
import { textList } from './mix.js';

export const EVENTS_FIRST_DAY = '2022-01-01';
/** 2022-01-01 to 2026-12-31. */
export const EVENTS_DAYS = 1826;
export const EVENTS_ROWS_PER_DAY = 11;
export const EVENTS_BYTES = 50_000_000_000_000;
/** 16.003 MB each. */
export const EVENTS_PARTITIONS_PER_DAY = 1711;
export const EVENTS_PARTITIONS: number = EVENTS_DAYS * EVENTS_PARTITIONS_PER_DAY;
/** Events that one sample row stands for. */
export const EVENTS_PER_SAMPLE_ROW = 10_000_000;
export const EVENTS_ROWS: number = EVENTS_DAYS * EVENTS_ROWS_PER_DAY * EVENTS_PER_SAMPLE_ROW;

/** Millionths of the table's bytes that each column holds; they sum to one million. */
export const EVENTS_SHARES: Readonly<Record<string, number>> = {
  EVENT_DATE: 2_000,
  EVENT_TS: 32_000,
  EVENT_ID: 34_000,
  SESSION_ID: 95_000,
  USER_ID: 22_000,
  EVENT_TYPE: 4_000,
  PAGE: 60_000,
  REFERRER: 78_000,
  COUNTRY: 6_000,
  DEVICE: 5_000,
  REVENUE: 12_000,
  PAYLOAD: 650_000,
};

const TYPES = [
  'page_view',
  'page_view',
  'page_view',
  'click',
  'click',
  'search',
  'add_to_cart',
  'purchase',
];
const PAGES = [
  '/',
  '/search',
  '/product',
  '/cart',
  '/checkout',
  '/account',
  '/help',
  '/blog',
  '/pricing',
  '/docs',
];
const REFERRERS = [
  'https://search.example/',
  'https://social.example/',
  'https://news.example/',
  'https://mail.example/',
];
const COUNTRIES = [
  'US',
  'US',
  'US',
  'DE',
  'GB',
  'FR',
  'IN',
  'JP',
  'BR',
  'CA',
  'AU',
  'SE',
  'NL',
  'ES',
];
const DEVICES = ['mobile', 'mobile', 'desktop', 'tablet'];
const BROWSERS = ['firefox', 'chrome', 'safari', 'edge'];

/** The statement that creates and fills EVENTS in the DuckDB schema `schema`. */
export function eventsStatement(schema: string): string {
  return `CREATE TABLE "${schema}"."EVENTS" AS
    SELECT d AS EVENT_DATE, d + to_seconds(k % ${EVENTS_ROWS_PER_DAY} * 7853 + pick(201, k, 7853)) AS EVENT_TS,
           1000000000 + k AS EVENT_ID, format('{:08x}{:08x}', mix(202, k // 3), mix(203, k // 3)) AS SESSION_ID,
           1 + pick(204, k // 3, 5000) AS USER_ID, t AS EVENT_TYPE, pick_text(206, k, ${textList(PAGES)}) AS PAGE,
           CASE WHEN pick(207, k, 3) > 0 THEN pick_text(208, k, ${textList(REFERRERS)}) END AS REFERRER,
           pick_text(209, k // 3, ${textList(COUNTRIES)}) AS COUNTRY, pick_text(210, k // 3, ${textList(DEVICES)}) AS DEVICE,
           CASE WHEN t = 'purchase' THEN ((500 + pick(211, k, 49500)) * 0.01::DECIMAL(3,2))::DECIMAL(12,2) END AS REVENUE,
           json_object('browser', pick_text(212, k // 3, ${textList(BROWSERS)}), 'version', 90 + pick(213, k // 3, 40),
                       'ab_test', json_object('name', 'checkout', 'variant', pick_text(214, k // 3, ${textList(['a', 'b'])})),
                       'tags', json_array(t, format('c{}', pick(215, k, 20)))) AS PAYLOAD
    FROM (SELECT range AS k, DATE '${EVENTS_FIRST_DAY}' + (range // ${EVENTS_ROWS_PER_DAY})::INTEGER AS d,
                 pick_text(205, range, ${textList(TYPES)}) AS t FROM range(${EVENTS_DAYS * EVENTS_ROWS_PER_DAY}))
    ORDER BY k`;
}
