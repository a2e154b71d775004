/** Sentences about rules. */
import type { PresetDocument, RuleDocument } from './document.js';
import { presetRule } from './presets.js';
import { arrow, creditsText, listChange, valueText, type Words } from './plan-words.js';
import { parseCredits } from '#base/units.js';

const MODE_TEXT: Readonly<Record<RuleDocument['mode'], string>> = {
  shadow: 'in shadow: it decides nothing',
  warn: 'it warns',
  enforce: 'enforced',
};

export const RULE_WORDS: Words<RuleDocument> = {
  subject: ({ id }) => `rule ${id}`,
  added: (rule) =>
    `new, ${MODE_TEXT[rule.mode]}; ${effectText(rule)} when ${valueText(rule.when)} (${rule.message})`,
  removed: (rule) => `removed; it was ${rule.mode}, ${effectText(rule)}`,
  changed: (before, after, field) => {
    switch (field) {
      case 'mode':
        return arrow(before.mode, after.mode);
      case 'modes':
        return `modes ${arrow(before.modes, after.modes)}`;
      case 'effect':
        return `${effectText(before)} → ${effectText(after)}`;
      case 'when':
        return `condition ${arrow(before.when, after.when)}`;
      case 'message':
        return `message ${arrow(before.message, after.message)}`;
      case 'teams':
        if (before.teams === undefined)
          return `for ${valueText(after.teams)} instead of every team`;
        if (after.teams === undefined)
          return `for every team instead of ${valueText(before.teams)}`;
        return `teams: ${listChange(before.teams, after.teams)}`;
      case 'tier':
      case 'ceilingCredits':
      case 'waitSeconds':
        return before.effect === after.effect
          ? `${effectText(before)} → ${effectText(after)}`
          : null;
      default:
        return null;
    }
  },
};

function effectText(rule: RuleDocument): string {
  switch (rule.effect) {
    case 'refuse':
      return 'refuse';
    case 'approve':
      return (rule.waitSeconds ?? 0) === 0
        ? 'ask for approval'
        : `wait up to ${rule.waitSeconds} s for approval`;
    case 'off-peak':
      return 'run in the off-peak hours only';
    case 'allow-external':
      return 'allow external locations';
    case 'reroute':
      return `reroute to tier ${rule.tier}`;
    case 'queue':
      return `queue in tier ${rule.tier}`;
    case 'ceiling':
      return `at most ${creditsText(parseCredits(rule.ceilingCredits))}`;
  }
}

/** A preset is told as the rule that it stands for. */
export const PRESET_WORDS: Words<PresetDocument> = {
  subject: ({ id, preset }) => `preset ${id} (${preset})`,
  added: (preset, context) => RULE_WORDS.added(presetRule(preset), context),
  removed: (preset, context) => RULE_WORDS.removed(presetRule(preset), context),
  changed: (before, after, field) => {
    const [earlier, later] = [presetRule(before), presetRule(after)];
    if (field === 'mode' || field === 'modes' || field === 'teams')
      return `${field} ${arrow(before[field], after[field])}`;
    if (field === 'effect') return `${effectText(earlier)} → ${effectText(later)}`;
    const parameter = Object.entries(after).find(([key]) => key === field)?.[1];
    return earlier.when === later.when
      ? `${field}: ${valueText(parameter)}`
      : `${field}: ${valueText(parameter)}; condition ${arrow(earlier.when, later.when)}`;
  },
};
