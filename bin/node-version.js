/** The oldest Node that everything here runs on; written so that much older ones can still read and say it. */
const FLOOR = [20, 19];

/**
 * @param {string} version such as `20.19.0`
 * @returns {string | undefined} what to tell the person, or undefined when it is new enough
 */
export function nodeTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) return undefined;
  return `Tollgate needs Node ${FLOOR.join('.')} or newer and this is ${version}; Node 24 is a good choice.`;
}
