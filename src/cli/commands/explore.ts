import { exploreSource } from '../../app/explore.ts';
import { safeJson } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { CI_OPTIONS, wantsRules } from '../explore-ci/options.ts';
import { efficiencySentence, exploreReport } from '../explore-report.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { SOURCE_OPTIONS, sourceOptions } from '../source-options.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';

/** Width of the report where standard output is no terminal. */
const PLAIN_COLUMNS = 140;

export const command: CommandSpec = {
  name: 'explore',
  aliases: [],
  summary: 'Show what each layer added, changed, removed and hides',
  usage: '[OPTIONS] IMAGE',
  arity: [1, 1],
  options: [
    { flags: '-j, --json <file>', summary: 'everything as JSON; `-` is standard output', common: true },
    {
      flags: '-f, --file <dockerfile>',
      summary: 'name the lines of this Dockerfile that made the layers',
      common: true,
    },
    { flags: '--target <stage>', summary: 'the stage of the Dockerfile; the last by default' },
    { flags: '--summary', summary: 'one sentence only', common: true },
    ...CI_OPTIONS,
    ...SOURCE_OPTIONS,
  ],
  examples: [
    'dobos explore app',
    'dobos explore app.tar',
    'dobos explore --json - docker://debian:12',
    'dobos explore --ci --max-hidden 20MB --forbid .git app',
  ],
  limits: ['A report so far: the terminal explorer and the browser come in a later version.'],
  async run(call) {
    const { app, terminal, args, options, signal } = call;
    const rules = wantsRules(options, app.settings.environment.CI);
    if (options.compat === 'dive') return (await import('../explore-ci/run.ts')).runDive(call, rules);
    if (rules) return (await import('../explore-ci/run.ts')).runRules(call);
    const name = args[0]!;
    const json = textOption(options, 'json');
    if (json !== undefined && json !== '-') checkOutputFile(json);
    const request = {
      ...sourceOptions(app, terminal, options),
      dockerfile: textOption(options, 'file'),
      target: textOption(options, 'target'),
      signal,
    };
    const report = await exploreSource(app, name, request);
    if (json === '-') await terminal.out(`${safeJson(report)}\n`);
    else if (json !== undefined) writeOutputFile(json, `${JSON.stringify(report)}\n`);
    else if (flagOption(options, 'summary')) await terminal.out(`${name}: ${efficiencySentence(report)}\n`);
    else {
      const paint = createPaint(terminal.colour && terminal.outIsTty);
      await terminal.out(
        exploreReport(name, report, paint, terminal.outIsTty ? terminal.columns() : PLAIN_COLUMNS),
      );
    }
    return 0;
  },
};
