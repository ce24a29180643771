import type { CopyInstruction } from '../dockerfile/ast.ts';
import { parseIgnorePatterns } from '../dockerfile/ignore.ts';
import { namesSomebody } from './copy/resolve-owner.ts';
import type { Expander } from './expand-variables.ts';
import type { Fail } from './plan-errors.ts';

/** The flags of one COPY or ADD but `--from`, expanded where the language expands (spec build.md a.4). */
export interface CopyFlags {
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  readonly checksum: string | undefined;
  /** Undefined where they are not written. */
  readonly keepGitDir: boolean | undefined;
  readonly unpack: boolean | undefined;
}

/** The flags of a COPY or ADD. @throws PLAN_INVALID for a value that is empty, or cannot be */
export function readCopyFlags(
  { kind, flags }: CopyInstruction,
  variables: ReadonlyMap<string, string>,
  { expander, fail }: { readonly expander: Expander; readonly fail: Fail },
): CopyFlags {
  const texts = new Map<string, string>();
  const switches = new Map<string, boolean>();
  const exclude: string[] = [];
  for (const { name, value, range } of flags) {
    const flag = name.text;
    switch (flag) {
      case 'from':
        break;
      case 'link':
      case 'parents':
      case 'keep-git-dir':
      case 'unpack':
        switches.set(flag, value?.text.toLowerCase() !== 'false');
        break;
      case 'exclude': {
        const pattern = value?.text ?? '';
        const [problem] = parseIgnorePatterns([pattern]).problems;
        if (problem !== undefined)
          throw fail('PLAN_INVALID', { message: `${kind} --exclude: ${problem.message}` }, range);
        exclude.push(pattern);
        break;
      }
      default: {
        const text = expander.text(value ?? name, variables);
        if (text === '') throw fail('PLAN_INVALID', { message: `${kind} --${flag} names nothing` }, range);
        texts.set(flag, text);
      }
    }
  }
  const link = switches.get('link') ?? false;
  const chown = texts.get('chown');
  if (link && chown !== undefined && namesSomebody(chown)) {
    const message = `${kind} --link cannot look up ${JSON.stringify(chown)}: it sees no files of the image below, so no /etc/passwd`;
    const hint = 'give numbers, or leave out --link';
    throw fail('PLAN_INVALID', { message, hint }, flags.find(({ name }) => name.text === 'chown')!.range);
  }
  return {
    chown,
    chmod: texts.get('chmod'),
    link,
    parents: switches.get('parents') ?? false,
    exclude,
    checksum: texts.get('checksum'),
    keepGitDir: switches.get('keep-git-dir'),
    unpack: switches.get('unpack'),
  };
}
