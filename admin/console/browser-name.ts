/** By what somebody signs in to the console: address and browser, in the few words that a person knows the own ones by. */
import type { FastifyRequest } from 'fastify';

/** The first that a browser names decides: most name others too, to be taken for them. */
const BROWSERS: readonly (readonly [sign: RegExp, name: string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bEdgiOS\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|HeadlessChrome|CriOS)\//, 'Chrome'],
  [/\bVersion\/\S+ .*\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
];
const SYSTEMS: readonly (readonly [sign: RegExp, name: string])[] = [
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];
/** Longer ones are no browser's, and patterns are not run over what anybody may send. */
const CHARACTERS_READ_MAX = 500;

/**
 * `Firefox on Linux`; null: none that we know. The text itself is not kept: it tells more of a person than they need to
 * see.
 */
export function browserName(userAgent: string | undefined): string | null {
  const text = (userAgent ?? '').slice(0, CHARACTERS_READ_MAX);
  const browser = BROWSERS.find(([sign]) => sign.test(text))?.[1];
  const system = SYSTEMS.find(([sign]) => sign.test(text))?.[1];
  if (browser === undefined) return null;
  return system === undefined ? browser : `${browser} on ${system}`;
}

/** Where a request comes from: behind a balancer the balancer, because headers that name another are not believed. */
export function senderOf(request: FastifyRequest): {
  readonly from: string;
  readonly browser: string | null;
} {
  return { from: request.ip, browser: browserName(request.headers['user-agent']) };
}
