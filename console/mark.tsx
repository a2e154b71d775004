import type { JSX } from 'preact';

/** The sign of Tollgate, beside its name. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M8 23V12m16 11V12M6 15h20M8 12l8-4 8 4" />
    </svg>
  );
}
