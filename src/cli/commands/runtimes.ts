import { listRuntimes } from '../../app/list-runtimes.ts';
import { formatOption, printList } from '../format-option.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';
import { formatTable } from '../table.ts';

export const command: CommandSpec = {
  name: 'runtimes',
  aliases: [],
  summary: 'Show which runtimes work here, what each isolates, and what others would need',
  usage: '[OPTIONS] [RUNTIME...]',
  arity: [0, Number.POSITIVE_INFINITY],
  options: [formatOption, { flags: '--json', summary: 'the same as `--format json`' }],
  examples: [
    'dobos runtimes',
    'dobos runtimes /opt/youki/bin/youki',
    "dobos runtimes --format '{{.Name}}\\t{{.State}}'",
  ],
  limits: [
    'youki, krun, kata-runtime and runnc are tried as any OCI runtime is; the suites of this version run runc, crun and runsc.',
  ],
  async run({ app, terminal, args, options }) {
    const rows = (await listRuntimes(app, args)).map((each) => ({
      Name: each.name,
      Isolation: each.isolation,
      State: each.state,
      Version: each.version,
      Path: each.path,
      Detail: each.detail,
      Default: each.isDefault,
      LimitsAndTerminals: each.runsFull,
      Tested: each.tested,
    }));
    if (flagOption(options, 'json') || options.format !== undefined)
      return printList(terminal, textOption(options, 'format'), rows, HEADINGS);
    const table = rows.map((row) => [
      `${row.Name}${row.Default ? ' *' : ''}`,
      row.Isolation,
      `${row.State}${row.State === 'works' && !row.Tested ? ' (untested)' : ''}`,
      row.Version,
      [
        row.Path,
        row.LimitsAndTerminals && !row.Default ? 'for containers with limits or a terminal' : '',
        row.Detail,
      ]
        .filter((text) => text !== '')
        .join('; '),
    ]);
    await terminal.out(formatTable([['RUNTIME', 'ISOLATION', 'STATE', 'VERSION', 'DETAIL'], ...table]));
    return 0;
  },
};

const HEADINGS = {
  Name: 'RUNTIME',
  Isolation: 'ISOLATION',
  State: 'STATE',
  Version: 'VERSION',
  Path: 'PATH',
  Detail: 'DETAIL',
  Default: 'DEFAULT',
  LimitsAndTerminals: 'LIMITS, TERMINALS',
  Tested: 'TESTED',
};
