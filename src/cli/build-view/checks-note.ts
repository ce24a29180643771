import type { BuildEvent } from '../../build/build-events.ts';
import { formatFinding } from '../../lint/format-check.ts';
import type { Finding } from '../../lint/rule.ts';
import type { Paint } from '../colour.ts';
import { safeLines } from './safe-text.ts';

export interface ChecksNote {
  /** Keeps what the build checks found; false for any other event. */
  take(event: BuildEvent): boolean;
  /** Docker's few lines about it for the end of a build; empty if nothing was found. */
  text(paint: Paint): string;
}

/** Findings that are told of at the end of a build: who has more looks with --check. */
const MOST = 50;

/** A note of what the build checks find. */
export function createChecksNote(): ChecksNote {
  let found: readonly Finding[] = [];
  return {
    take(event) {
      if (event.kind !== 'findings') return false;
      found = event.findings;
      return true;
    },
    text(paint) {
      const count = found.length;
      if (count === 0) return '';
      const head = `${count} warning${count === 1 ? '' : 's'} found (use --check to expand):`;
      const lines = found.slice(0, MOST).map((finding) => ` - ${safeLines(formatFinding(finding))}\n`);
      if (count > MOST) lines.push(` … and ${count - MOST} more\n`);
      return `\n ${paint('changed', head)}\n${lines.join('')}`;
    },
  };
}
