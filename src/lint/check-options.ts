/** What `# check=…` and the build argument BUILDKIT_DOCKERFILE_CHECK say. */
export interface CheckOptions {
  readonly skip: ReadonlySet<string> | 'all';
  readonly experimental: ReadonlySet<string> | 'all';
  /** Findings fail the build. */
  readonly error: boolean;
}

const NOTHING: CheckOptions = { skip: new Set(), experimental: new Set(), error: false };
const TRUE = /^(?:1|t|T|TRUE|true|True)$/;
const FALSE = /^(?:0|f|F|FALSE|false|False)$/;

/** The options in `skip=A,B;error=true;experimental=all`, or what is wrong with the text. */
export function parseCheckOptions(text: string): CheckOptions | { readonly problem: string } {
  if (text.trim() === '') return NOTHING;
  let options = NOTHING;
  for (const part of text.trim().split(';')) {
    const cut = part.indexOf('=');
    const quoted = JSON.stringify(cut < 0 ? part : part.slice(0, cut).trim());
    if (cut < 0) return { problem: `invalid check option ${quoted}` };
    const value = part.slice(cut + 1).trim();
    switch (part.slice(0, cut).trim()) {
      case 'skip':
        options = { ...options, skip: names(value) };
        break;
      case 'experimental':
        options = { ...options, experimental: names(value) };
        break;
      case 'error':
        if (!TRUE.test(value) && !FALSE.test(value)) {
          return { problem: `invalid check option ${JSON.stringify(part)}, want error=true or error=false` };
        }
        options = { ...options, error: TRUE.test(value) };
        break;
      default:
        return { problem: `invalid check option ${quoted}, want skip, error or experimental` };
    }
  }
  return options;
}

/** The options with what the comments above an instruction add (`check=skip=Rule`); the first such comment counts, one that is wrong says nothing, and none makes errors. */
export function withComments(options: CheckOptions, comments: readonly string[]): CheckOptions {
  const text = comments.map(checkComment).find((found) => found !== undefined);
  if (text === undefined) return options;
  const more = parseCheckOptions(text.split(' ')[0]!);
  if ('problem' in more) return options;
  return {
    ...options,
    skip: union(options.skip, more.skip),
    experimental: union(options.experimental, more.experimental),
  };
}

/** What a comment says behind `check=`, if it is one of those. */
export function checkComment(comment: string): string | undefined {
  return /^check\s*=\s*(.+?)\s*$/i.exec(comment)?.[1];
}

/** True if the options let a rule speak. What is experimental is asked for by name, and not skipped. */
export function speaks(
  options: CheckOptions,
  rule: { readonly id: string; readonly experimental?: true },
): boolean {
  if (rule.experimental) return options.experimental === 'all' || options.experimental.has(rule.id);
  return options.skip !== 'all' && !options.skip.has(rule.id);
}

function names(value: string): ReadonlySet<string> | 'all' {
  return value === 'all' ? 'all' : new Set(value.split(',').map((name) => name.trim()));
}

function union(a: ReadonlySet<string> | 'all', b: ReadonlySet<string> | 'all'): ReadonlySet<string> | 'all' {
  return a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b]);
}
