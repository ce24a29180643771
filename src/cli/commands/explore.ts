import type { App } from '../../app/app.ts';
import { type ExploreRequest, exploreSource, openSource } from '../../app/explore.ts';
import type { ImagePackages } from '../../explore/packages/read-packages.ts';
import type { Exploration } from '../../explore/types.ts';
import { safeJson, safeText } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { CI_OPTIONS, wantsRules } from '../explore-ci/options.ts';
import { efficiencySentence, exploreReport } from '../explore-report.ts';
import { isSearch, SEARCH_OPTIONS, searchSource } from '../explore-search.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { packagesReport } from '../packages-report.ts';
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
    { flags: '--report', summary: 'the report, also on a terminal', common: true },
    ...CI_OPTIONS,
    {
      flags: '--packages',
      summary: 'which packages each layer adds and changes, with their bytes',
      common: true,
    },
    ...SEARCH_OPTIONS,
    ...SOURCE_OPTIONS,
  ],
  examples: [
    'dobos explore app',
    'dobos explore app.tar',
    'dobos explore --json - docker://debian:12',
    'dobos explore --ci --max-hidden 20MB --forbid .git app',
  ],
  // A search answers as grep.
  failureExit: (options) => (isSearch(options) ? 2 : undefined),
  limits: ['The browser comes in a later version.'],
  async run(call) {
    const { app, terminal, args, options, signal } = call;
    const rules = wantsRules(options, app.settings.environment.CI);
    if (options.compat === 'dive' || rules) (await import('../optimize-later.ts')).optimizeLater();
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
    if (isSearch(options)) {
      const source = await openSource(app, name, { ...request, bare: true });
      return searchSource(source, terminal, options, { json, signal }).finally(source.close);
    }
    const asReport = ['report', 'summary', 'packages'].some((each) => flagOption(options, each));
    if (json === undefined && !asReport && terminal.isWhole) {
      const [{ exploreScreen }, { tellWhile }] = await Promise.all([
        import('../explore-ui/explore-screen.ts'),
        import('../explore-ui/tell-while.ts'),
      ]);
      const opening = openSource(app, name, { ...request, duplicates: false });
      const source = await tellWhile(terminal, `reading the layers of ${safeText(name)} …`, opening);
      return exploreScreen(call, name, source).finally(source.close);
    }
    const packages = flagOption(options, 'packages');
    // One sentence of sizes needs no contents.
    const unproven = flagOption(options, 'summary') && json === undefined && !packages;
    if (unproven) (await import('../optimize-later.ts')).optimizeLater();
    const wanted = unproven ? { ...request, unproven, duplicates: false } : request;
    const report = await readReport(app, name, wanted, packages);
    if (json === '-') await terminal.out(`${safeJson(report)}\n`);
    else if (json !== undefined) writeOutputFile(json, `${JSON.stringify(report)}\n`);
    else if (flagOption(options, 'summary')) await terminal.out(`${name}: ${efficiencySentence(report)}\n`);
    else {
      const paint = createPaint(terminal.colour && terminal.outIsTty);
      const columns = terminal.outIsTty ? terminal.columns() : PLAIN_COLUMNS;
      await terminal.out(exploreReport(name, report, paint, columns));
      if (report.packages !== undefined)
        await terminal.out(packagesReport(report, report.packages, paint, columns));
    }
    return 0;
  },
};

/** The report, and what is in the packages if that is asked for: their databases are read out of the layers. */
async function readReport(
  app: App,
  name: string,
  request: ExploreRequest,
  packages: boolean,
): Promise<Exploration & { readonly packages?: ImagePackages }> {
  if (!packages) return exploreSource(app, name, request);
  const { readPackages } = await import('../../explore/packages/read-packages.ts');
  const { exploration, store, close } = await openSource(app, name, request);
  try {
    return { ...exploration.report, packages: await readPackages(exploration, store, request) };
  } finally {
    await close();
  }
}
