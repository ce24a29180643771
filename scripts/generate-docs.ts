/** The pages of docs/ that are made from the code: a test holds them equal to it. @module */
import { readdirSync, readFileSync } from 'node:fs';
import type { errorTables, Wording } from '../src/base/errors.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { SIGNS } from '../src/cli/explore-ui/draw-help.ts';
import { keyGroups } from '../src/cli/explore-ui/key-table.ts';
import { commandHelp } from '../src/cli/help.ts';
import type { Rule } from '../src/lint/rule.ts';
import { CHECKS } from '../src/lint/rules.ts';

const NOTICE = '<!-- made by `npm run docs`: edit the code instead -->';

/** The reference of the command line: each command's own help, by group. */
export async function commandsPage(): Promise<string> {
  const groups = [...new Set(COMMANDS.map(({ group }) => group))];
  const parts = ['# The command line', NOTICE, USAGE];
  for (const group of groups) {
    parts.push(`## ${group}`);
    for (const row of COMMANDS.filter((each) => each.group === group))
      parts.push(`### dobos ${row.name}\n\n\`\`\`\n${commandHelp(await row.load())}\`\`\``);
  }
  return `${parts.join('\n\n')}\n`;
}

const USAGE = `Where docker has the command, its name, flags, columns and exit codes are docker's. \`dobos COMMAND --help\` shows what stands here.

Exit codes: 0 done · 1 it failed, or found something · 2 wrong usage · \`run\`: the program's own, 125 if dobos failed, 126 not executable, 127 not found,
128 + n after signal n · 130 after Ctrl-C.

| variable | what it sets |
|---|---|
| \`DOBOS_ROOT\` | the store's folder: an OCI layout; \`/var/lib/dobos\` for root, else \`$XDG_DATA_HOME/dobos\` or \`~/.local/share/dobos\` |
| \`DOBOS_RUNTIME\` | the runtime: \`auto\`, the name or path of an OCI runtime, \`chroot\`, or \`unisolated\` |
| \`DOBOS_INSECURE_REGISTRIES\` | registries without TLS or with a certificate that nobody vouches for, by commas: \`host:5000, 10.0.0.0/8\` |
| \`DOBOS_TRUSTED_HOSTS\` | hosts that may have private addresses, and token servers that may see a registry's credentials, by commas |
| \`DOCKER_CONFIG\`, \`REGISTRY_AUTH_FILE\` | where credentials are: [registries.md](registries.md) |
| \`HTTPS_PROXY\`, \`HTTP_PROXY\`, \`NO_PROXY\`, \`ALL_PROXY\` | proxies, in lower case too |
| \`SOURCE_DATE_EPOCH\` | seconds since 1970 for every time in an image: the same input gives the same digest |
| \`NO_COLOR\` | no colours |
| \`XDG_CACHE_HOME\` | \`dobos/forms\` below it, else below \`~/.cache\`: what Node has compiled of dobos in earlier runs, a megabyte or two; it may be removed at any time |

\`dobos --debug COMMAND\` adds the stack and the causes to an error.`;

/** The page of the rules: what each asks for and why, and its examples. */
export function rulesPage(): string {
  const rows = CHECKS.map(({ id, summary }) => `| [${id}](#${id.toLowerCase()}) | ${summary} |`);
  const table = ['| check | asks that |', '|---|---|', ...rows].join('\n');
  return `${['# Build checks', NOTICE, RULES, table, ...CHECKS.map(ruleSection)].join('\n\n')}\n`;
}

const RULES = `These are docker's checks, by the same names. \`dobos build\` tells of them at its end; \`dobos build --check\` shows the lines and builds
nothing, with exit code 1 if there are findings. All stages are looked at, or with \`--target\` those that it needs.

\`# check=skip=RULE,RULE;error=true\` at the head of a Dockerfile silences rules (\`skip=all\`: every one) and makes findings errors, which stop a build before
anything runs. \`experimental=RULE\` asks for a rule that is off by default. \`--build-arg BUILDKIT_DOCKERFILE_CHECK=skip=RULE\` takes the place of that line. A comment
\`# check=skip=RULE\` right above an instruction holds for that one.`;

function ruleSection({ id, summary, why, url, experimental, examples }: Rule): string {
  const facts = [
    ...(experimental ? [`Off by default: \`# check=experimental=${id}\`.`] : []),
    ...(url === undefined ? [] : [`[Docker's page](${url})`]),
  ];
  const block = (text: string): string => `\`\`\`dockerfile\n${text}\`\`\``;
  const { dockerignore } = examples;
  const beside =
    dockerignore === undefined ? '' : ` beside a .dockerignore with\n\n\`\`\`\n${dockerignore}\`\`\`\n\n`;
  return [
    `## ${id}`,
    `${summary[0]!.toUpperCase()}${summary.slice(1)}.`,
    why,
    ...facts,
    `Bad:${beside}`.trimEnd(),
    block(examples.bad),
    'Good:',
    block(examples.good),
  ].join('\n\n');
}

/** The list of errors: code, wording and advice, by room. \`load\` imports a module of src/ by its path without the ending. */
export async function errorsPage(load: (module: string) => Promise<unknown>): Promise<string> {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => /errorMaker<\w+>\(\{/.test(readFileSync(`src/${file}`, 'utf8')))
    .sort();
  for (const file of files) await load(file.replace(/\.ts$/, ''));
  const base = (await load('base/errors')) as { readonly errorTables: typeof errorTables };
  const tables = base.errorTables();
  const parts = ['# Errors', NOTICE, INTRODUCTION];
  for (const room of new Set(files.map((file) => file.split('/')[0]!))) {
    const rows = files
      .filter((file) => file.startsWith(`${room}/`))
      .flatMap((file) => codesOf(readFileSync(`src/${file}`, 'utf8')))
      .map((code) => errorRow(code, tables.find((table) => code in table)?.[code]));
    parts.push(`## ${room}`, ['| code | message | hint |', '|---|---|---|', ...rows].join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}

const INTRODUCTION =
  'Every error has a code (`error.code`), the facts behind it (`error.facts`), and often a hint. ‹words› stand for what is filled in; where a wording has several forms, one is shown.';

function codesOf(text: string): string[] {
  const table = text.slice(text.search(/errorMaker<\w+>\(\{/));
  return [...table.matchAll(/^ {2}([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+): \(/gm)].map((match) => match[1]!);
}

function errorRow(code: string, wording: ((facts: never) => Wording) | undefined): string {
  if (wording === undefined) throw new Error(`${code} is in no table`);
  const facts = new Proxy({}, { get: (_, name) => placeholder(String(name)) });
  const made = wording(facts as never);
  const { message, hint } = typeof made === 'string' ? { message: made, hint: undefined } : made;
  return `| \`${code}\` | ${cell(String(message))} | ${cell(String(hint ?? ''))} |`;
}

const cell = (text: string): string =>
  text
    .replaceAll('NaN', '‹n›')
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|');

/** Stands for any fact: reads as its name in brackets, whatever a wording does with it. */
function placeholder(name: string): unknown {
  const text = `‹${name}›`;
  const self: unknown = new Proxy(() => self, {
    get(_, property) {
      if (property === Symbol.toPrimitive || property === 'toJSON' || property === 'toString')
        return () => text;
      if (property === Symbol.iterator) return () => [text].values();
      if (property === 'length') return placeholder('n');
      if (property === 'join') return () => text;
      if (property === 'map') return (each: (value: unknown) => unknown) => [each(self)];
      if (property === 'startsWith' || property === 'includes' || property === 'endsWith') return () => false;
      return self;
    },
    apply: () => self,
  });
  return self;
}

const KEYS = /(<!-- keys: [^\n]*-->\n)[\s\S]*?(<!-- \/keys -->)/;

/** The page about exploring with the signs and keys of the terminal explorer as they are; the rest of it is written by hand. */
export function explorePage(page: string): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const signs = [
    '| sign | means |',
    '|---|---|',
    ...SIGNS.map(([sign, says]) => `| \`${sign}\` | ${cell(says)} |`),
  ];
  const keys = keyGroups().flatMap(({ title, rows }) => [
    '',
    `| ${title} | |`,
    '|---|---|',
    ...rows.map(({ shown, says }) => `| ${cell(shown)} | ${cell(says)} |`),
  ]);
  const text = [...signs, ...keys].join('\n');
  return page.replace(KEYS, (_, start: string, end: string) => `${start}\n${text}\n\n${end}`);
}
