/** Why a case fails, in a few words of ours. */

const UNSUPPORTED = /Unsupported feature in the embedded warehouse: ([^\n"]+)/;

const RULES: readonly { readonly reason: string; readonly said: RegExp }[] = [];

/** The reason of a failure by what was said of it; `not looked into` where nothing here knows it. */
export function reasonOf(name: string, said: string): string {
  const [, feature] = UNSUPPORTED.exec(said) ?? [];
  const rule = RULES.find((each) => each.said.test(`${name}\n${said}`));
  if (rule !== undefined) return rule.reason;
  return feature === undefined ? 'not looked into' : `not in the embedded warehouse: ${feature}`;
}
