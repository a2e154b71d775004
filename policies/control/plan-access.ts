/** Sentences about access lists. */
import type { AccessDocument, WhoDocument } from './document.js';
import { arrow, listChange, listText, valueText, type Words } from './plan-words.js';

const WHAT = ['databases', 'schemas', 'tables', 'columns', 'classes', 'actions'] as const;
const WHO = ['teams', 'departments', 'principals', 'roles'] as const;

export const ACCESS_WORDS: Words<AccessDocument> = {
  subject: ({ id }) => `access list ${id}`,
  added: (entry) => `new, ${modeText(entry)}: ${sayText(entry)}`,
  removed: (entry) => `removed; it said: ${sayText(entry)}`,
  changed: (before, after, field) => {
    switch (field) {
      case 'mode':
      case 'modes':
      case 'effect':
      case 'owner':
      case 'except':
        return `${field} ${arrow(before[field], after[field])}`;
      case 'teams':
      case 'departments':
      case 'principals':
      case 'roles':
      case 'databases':
      case 'schemas':
      case 'tables':
      case 'columns':
      case 'classes':
      case 'actions':
        if (before[field] === undefined)
          return `${field}: ${valueText(after[field])} instead of all`;
        if (after[field] === undefined)
          return `${field}: all instead of ${valueText(before[field])}`;
        return `${field}: ${listChange(before[field], after[field])}`;
      default:
        return null;
    }
  },
};

/** `enforced`, `in shadow, enforce for growth`. */
function modeText({ mode = 'enforce', modes = {} }: AccessDocument): string {
  const others = Object.entries(modes).map(([team, each]) => `${each} for ${team}`);
  return [mode, ...others].join(', ');
}

function sayText(entry: AccessDocument): string {
  const what = WHAT.flatMap((key) => {
    const values = entry[key];
    return values === undefined ? [] : [`${key} ${listText(values)}`];
  }).join(', ');
  const but = entry.except === undefined ? '' : `, but not ${whoText(entry.except)}`;
  const verb = entry.effect === 'deny' ? 'deny' : 'allow only to';
  return entry.effect === 'deny'
    ? `${verb} ${whoText(entry)}${but}: ${what}`
    : `${verb} ${whoText(entry)}${but}, or whom another list names: ${what}`;
}

function whoText(who: WhoDocument): string {
  const parts = WHO.flatMap((key) => {
    const values = who[key];
    return values === undefined ? [] : [`${key} ${listText(values)}`];
  });
  return parts.length === 0 ? 'everybody' : parts.join(' and ');
}
