/**
 * Rules over a parsed Dockerfile, one a file in rules/, and what they find. The room is pure: no I/O, no `node:` import; what a rule
 * needs to know beyond the text comes in as facts.
 * @module
 */
import type { ArgInstruction, Dockerfile, Instruction, Range } from '../dockerfile/ast.ts';
import type { Stage } from '../dockerfile/stages.ts';
import type { Expander } from './expanded.ts';
import type { BaseFacts, LintFacts } from './facts.ts';
import type { FromLine } from './from-lines.ts';
import type { WalkedStage } from './walk-stages.ts';

export type Severity = 'error' | 'warning' | 'info' | 'style';

export interface Rule {
  /** As people write it in `# check=skip=…`. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** Why it matters, for the rule's page: sentences, with Markdown. */
  readonly why: string;
  /** Where more about it is written. */
  readonly url?: string | undefined;
  /** Looked at only where it is asked for. */
  readonly experimental?: true;
  /** `line`: each instruction for itself, also beside errors; `file`: only where the whole text is understood. */
  readonly needs: 'line' | 'file';
  /** `bad` has the rule's findings, and `good` none: its tests, and its page. */
  readonly examples: Examples;
  check(subject: Subject): Iterable<Violation>;
}

export interface Examples {
  readonly bad: string;
  readonly good: string;
  /** The .dockerignore that the two stand beside. */
  readonly dockerignore?: string;
  /** What the image of the bad one's first stage turned out to be. */
  readonly base?: BaseFacts;
}

/** What a rule sees. */
export interface Subject {
  readonly file: Dockerfile;
  /** The ARGs before the first FROM. */
  readonly globals: readonly ArgInstruction[];
  /** All of them, also those that are not built. */
  readonly stages: readonly Stage[];
  readonly facts: LintFacts;
  readonly expander: Expander;
  /** The FROM of every stage with its variables put in. */
  fromLines(): readonly FromLine[];
  /** The stages that are built, each instruction with the variables that it sees. */
  walked(): readonly WalkedStage[];
}

/** A replacement in the file. */
export interface Edit {
  readonly range: Range;
  readonly text: string;
}

/** What a rule says of a place. */
export interface Violation {
  readonly message: string;
  /** Comments above it may silence the rule. */
  readonly on: Instruction;
  /** The lines it is told of; those of `on` without it. */
  readonly range?: Range | undefined;
  /** The words that are meant, where they are fewer. */
  readonly at?: Range | undefined;
  /** Edits that mend it without a change of meaning, in order and apart from each other. */
  readonly fix?: readonly Edit[] | undefined;
}

export interface Finding {
  readonly rule: Pick<Rule, 'id' | 'severity' | 'summary' | 'url'>;
  readonly message: string;
  /** Whole instructions, as docker tells of them. */
  readonly range: Range;
  /** The words that are meant. */
  readonly at: Range;
  readonly fix: readonly Edit[] | undefined;
}

/** The address of docker's page on one of its checks. */
export function checkUrl(id: string): string {
  const name = id.replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2').replace(/([a-z])([A-Z])/g, '$1-$2');
  return `https://docs.docker.com/go/dockerfile/rule/${name.toLowerCase()}/`;
}
