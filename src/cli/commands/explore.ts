import { exploreSource, openSource } from '../../app/explore.ts';
import { safeJson } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
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
    { flags: '--json <file>', summary: 'everything as JSON; `-` is standard output', common: true },
    {
      flags: '-f, --file <dockerfile>',
      summary: 'name the lines of this Dockerfile that made the layers',
      common: true,
    },
    { flags: '--target <stage>', summary: 'the stage of the Dockerfile; the last by default' },
    { flags: '--summary', summary: 'one sentence only', common: true },
    { flags: '--report', summary: 'the report, also on a terminal', common: true },
    ...SOURCE_OPTIONS,
  ],
  examples: ['dobos explore app', 'dobos explore app.tar', 'dobos explore --json - docker://debian:12'],
  limits: ['The browser and CI rules come in a later version.'],
  async run({ app, terminal, args, options, signal, takeSignals }) {
    const name = args[0]!;
    const json = textOption(options, 'json');
    if (json !== undefined && json !== '-') checkOutputFile(json);
    const request = {
      ...sourceOptions(app, terminal, options),
      dockerfile: textOption(options, 'file'),
      target: textOption(options, 'target'),
      signal,
    };
    const asReport = flagOption(options, 'report') || flagOption(options, 'summary');
    if (json === undefined && !asReport && terminal.isWhole) {
      const { exploreScreen } = await import('../explore-ui/explore-screen.ts');
      const source = await openSource(app, name, request);
      try {
        return await exploreScreen({ terminal, takeSignals }, name, source);
      } finally {
        await source.close();
      }
    }
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
