// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
import { describe, expect, it } from 'vitest';
import { parseIgnoreFile } from '../dockerfile/ignore.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import type { LintFacts } from './facts.ts';
import { formatFinding } from './format-check.ts';
import { lintDockerfile } from './lint-dockerfile.ts';

/** `Rule: message (line N)` of each finding. */
function lint(text: string, facts: LintFacts = {}): string[] {
  return lintDockerfile(parseDockerfile(text), facts).findings.map(formatFinding);
}

const args = (values: Readonly<Record<string, string>>): LintFacts => ({
  buildArgs: new Map(Object.entries(values)),
});
const ignoring = (text: string): LintFacts => ({ ignore: () => parseIgnoreFile(text) });

/** `line N` of the file below a heading is its Nth; the expected findings in order. */
const CASES: readonly (readonly [
  what: string,
  text: string,
  wanted: readonly string[],
  facts?: LintFacts,
])[] = [
  ['a clean file', 'FROM scratch AS a\nCOPY x /\nCMD ["/x"]\n', []],
  [
    'names and AS of stages, each told where it stands',
    'FROM scratch AS Web\nfrom scratch as Api\nFROM scratch AS Web2\nFrom scratch as odd\n',
    [
      "StageNameCasing: Stage name 'Web' should be lowercase (line 1)",
      "StageNameCasing: Stage name 'Api' should be lowercase (line 2)",
      "ConsistentInstructionCasing: Command 'from' should match the case of the command majority (uppercase) (line 2)",
      "StageNameCasing: Stage name 'Web2' should be lowercase (line 3)",
      "ConsistentInstructionCasing: Command 'From' should match the case of the command majority (uppercase) (line 4)",
    ],
  ],
  [
    'AS in the other case',
    'from scratch AS a\nfrom scratch aS b\n',
    [
      "FromAsCasing: 'AS' and 'from' keywords' casing do not match (line 1)",
      "FromAsCasing: 'aS' and 'from' keywords' casing do not match (line 2)",
    ],
  ],
  [
    'blank lines in an instruction, once at its last line',
    'FROM scratch\nRUN a \\\n\n  b \\\n \n  c\nRUN d \\\n  e\n',
    ['NoEmptyContinuation: Empty continuation line (line 6)'],
  ],
  [
    'blank lines before a heredoc',
    'FROM scratch\nRUN a \\\n\n  <<EOF\n\nx\nEOF\n',
    ['NoEmptyContinuation: Empty continuation line (line 4)'],
  ],
  [
    'as many in each case: capitals win',
    'FROM scratch\ncopy a /\n',
    [
      "ConsistentInstructionCasing: Command 'copy' should match the case of the command majority (uppercase) (line 2)",
    ],
  ],
  [
    'more in lower case',
    'ARG a\nfrom scratch\ncopy a /\nAdd b /\nENV c=d\n',
    [
      "ConsistentInstructionCasing: Command 'Add' should match the case of the command majority (lowercase) (line 4)",
      "ConsistentInstructionCasing: Command 'ENV' should match the case of the command majority (lowercase) (line 5)",
    ],
  ],
  [
    'a stage that hides another, case aside',
    'FROM scratch AS one\nFROM scratch AS two\nFROM scratch AS one\n',
    ['DuplicateStageName: Duplicate stage name "one", stage names should be unique (line 3)'],
  ],
  [
    'names that are taken',
    'FROM scratch AS context\nFROM context AS scratch\n',
    [
      'ReservedStageName: Stage name should not use the same name as reserved stage "context" (line 1)',
      'ReservedStageName: Stage name should not use the same name as reserved stage "scratch" (line 2)',
    ],
  ],
  [
    'commands for a shell',
    'FROM scratch AS a\nENTRYPOINT run --fast\nCMD ["x"\nFROM scratch AS b\nSHELL ["/bin/bash", "-c"]\nCMD x\nFROM b\nENTRYPOINT y\n',
    [
      'JSONArgsRecommended: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals (line 2)',
      'JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (line 3)',
    ],
  ],
  [
    'a base that chose a shell',
    'FROM win\nCMD x\n',
    [],
    { bases: new Map([[0, { env: [], hasShell: true }]]) },
  ],
  [
    'MAINTAINER',
    'FROM scratch\nmaintainer Ada "the first"\n',
    [
      "ConsistentInstructionCasing: Command 'maintainer' should match the case of the command majority (uppercase) (line 2)",
      'MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)',
    ],
  ],
  [
    'FROM with arguments that nobody declared',
    'ARG TAG=1\nARG ARCH\nFROM --platform=linux/$ARHC app:$TAG$SUFFIX AS x\nFROM --platform=$BUILDPLATFORM app:${VER:-2}\n',
    [
      "UndefinedArgInFrom: FROM argument 'SUFFIX' is not declared (line 3)",
      "UndefinedArgInFrom: FROM argument 'ARHC' is not declared (did you mean ARCH?) (line 3)",
      "UndefinedArgInFrom: FROM argument 'VER' is not declared (line 4)",
    ],
  ],
  [
    'relative folders without an absolute one before',
    'FROM scratch AS a\nWORKDIR src/\nWORKDIR more\nFROM scratch AS b\nARG ROOT=/r\nWORKDIR $ROOT\nFROM b\nWORKDIR sub\n',
    [
      'WorkdirRelativePath: Relative workdir "src/" can have unexpected results if the base image changes (line 2)',
    ],
  ],
  [
    'variables used before they are set, over lines and stages',
    'ARG GLOBAL=1\nFROM scratch AS a\nCOPY $LATE /$GLOBAL\nARG LATE=x\nENV DIRS=/d\nFROM a\nWORKDIR $DIR\nUSER $LATE\nRUN echo $NOTHING\nENV A=1 B=$A\nCMD ["$NOTHING"]\n',
    [
      "UndefinedVar: Usage of undefined variable '$LATE' (did you mean $PATH?) (line 3)",
      "UndefinedVar: Usage of undefined variable '$GLOBAL' (line 3)",
      'WorkdirRelativePath: Relative workdir "" can have unexpected results if the base image changes (line 7)',
      "UndefinedVar: Usage of undefined variable '$DIR' (did you mean $DIRS?) (line 7)",
      "UndefinedVar: Usage of undefined variable '$A' (line 10)",
    ],
  ],
  [
    'a relative folder whose variable is not set',
    'FROM scratch\nWORKDIR $NONE\n',
    [
      'WorkdirRelativePath: Relative workdir "" can have unexpected results if the base image changes (line 2)',
      "UndefinedVar: Usage of undefined variable '$NONE' (line 2)",
    ],
  ],
  [
    'variables in flags, mounts and heredocs, and none in quoted ones',
    'FROM scratch\nCOPY --chown=$OWNER a /\nRUN --mount=type=cache,target=$CACHE true\nCOPY <<EOF <<"RAW" /\n$TEXT $1 \\$NOT\nEOF\n$RAWTEXT\nRAW\n',
    [
      "UndefinedVar: Usage of undefined variable '$OWNER' (line 2)",
      "UndefinedVar: Usage of undefined variable '$CACHE' (line 3)",
      "UndefinedVar: Usage of undefined variable '$TEXT' (line 4)",
    ],
  ],
  [
    'what is declared without a value, or has a value in hand',
    'FROM scratch\nARG A\nARG B=$NONE\nCOPY $A$B ${C:-c} /\n',
    ["UndefinedVar: Usage of undefined variable '$C' (line 4)"],
    args({ B: 'given' }),
  ],
  [
    'the variables of a base that is known',
    'FROM go\nCOPY . $GOPATH/src\nUSER $GOPAHT\n',
    ["UndefinedVar: Usage of undefined variable '$GOPAHT' (did you mean $GOPATH?) (line 3)"],
    { bases: new Map([[0, { env: ['GOPATH=/go'], hasShell: false }]]) },
  ],
  [
    'a base that nobody has read: only what is nearly a name of the file',
    'FROM go\nARG SRC=x\nCOPY . $GOPATH/src\nCOPY $SCR /\n',
    ["UndefinedVar: Usage of undefined variable '$SCR' (did you mean $SRC?) (line 4)"],
  ],
  [
    'instructions without effect, in each stage for itself',
    'FROM scratch AS a\nCMD ["a"]\nHEALTHCHECK CMD ["h"]\nENTRYPOINT ["e"]\nCMD ["b"]\nHEALTHCHECK NONE\nCMD ["c"]\nFROM a\nCMD ["d"]\n',
    [
      'MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used (line 2)',
      'MultipleInstructionsDisallowed: Multiple HEALTHCHECK instructions should not be used in the same stage because only the last one will be used (line 3)',
      'MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used (line 5)',
    ],
  ],
  [
    'pairs without =',
    'FROM scratch\nENV a b c\nLABEL d "e"\nENV f=g\n',
    [
      'LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (line 2)',
      'LegacyKeyValueFormat: "LABEL key=value" should be used instead of legacy "LABEL key value" format (line 3)',
    ],
  ],
  [
    'a base for another platform',
    '\nFROM alpine:3 AS a\n',
    [
      'InvalidBaseImagePlatform: Base image alpine:3 was pulled with platform "linux/arm64", expected "linux/amd64" for current build (line 2)',
    ],
    {
      bases: new Map([
        [0, { env: [], hasShell: false, mismatch: { got: 'linux/arm64', wanted: 'linux/amd64' } }],
      ]),
    },
  ],
  [
    'the platform that is the default',
    'FROM --platform=${TARGETPLATFORM} scratch\nFROM --platform=$TARGETOS/arm64 scratch\n',
    [
      'RedundantTargetPlatform: Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior (line 1)',
    ],
  ],
  [
    'names of secrets, whole or in part, and harmless ones',
    'ARG TOKEN\nFROM scratch\nARG GITHUB_TOKEN npm_token_file monkey\nENV DB_PASSWORD=x AUTHOR=y Api_Key=z\nENV PUBLIC_KEY=k\n',
    [
      'SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "GITHUB_TOKEN") (line 3)',
      'SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "DB_PASSWORD") (line 4)',
      'SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "Api_Key") (line 4)',
    ],
  ],
  [
    'defaults that make no name, whatever is given now',
    'ARG TAG\nARG OK=stable\nFROM app:$TAG AS a\nFROM app:$OK\nFROM ${TAG:-oci:x}\n',
    [
      'InvalidDefaultArgInFrom: Default value for ARG app:$TAG results in empty or invalid base image name (line 3)',
    ],
    args({ TAG: 'latest' }),
  ],
  [
    'constants as a platform',
    'FROM --platform=linux/arm64 scratch AS a\nFROM --platform=linux/arm64 scratch AS for-arm64\nFROM --platform=x86_64 scratch AS b\nFROM --platform=amd64 scratch AS linux\n',
    [
      'FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/arm64" (line 1)',
      'FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "x86_64" (line 3)',
    ],
  ],
  [
    'sources that are left out, but not those of stages and URLs',
    'FROM scratch AS a\nCOPY ./node_modules/x *.log ok /\nADD --chmod=644 /b.log https://x.test/b.log /\nCOPY --from=a node_modules /\nCOPY . /\n',
    [
      'CopyIgnoredFile: Attempting to Copy file "node_modules/x" that is excluded by .dockerignore (line 2)',
      'CopyIgnoredFile: Attempting to Copy file "*.log" that is excluded by .dockerignore (line 2)',
      'CopyIgnoredFile: Attempting to Add file "/b.log" that is excluded by .dockerignore (line 3)',
    ],
    ignoring('node_modules\n*.log\n'),
  ],
  [
    'all of the context left out',
    'FROM scratch\nCOPY . /\n',
    ['CopyIgnoredFile: Attempting to Copy file "." that is excluded by .dockerignore (line 2)'],
    ignoring('*\n'),
  ],
  ['rules with an exception', 'FROM scratch\nCOPY a /\n', [], ignoring('*\n!b\n')],
  [
    'ports',
    'FROM scratch\nARG P="80/TCP 81"\nEXPOSE $P 53/uDp 127.0.0.1:8080:80 [::1]:1:2/tcp 3000:3000 9000-9005/SCTP :5\n',
    [
      "ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase (line 3)",
      "ExposeProtoCasing: Defined protocol '53/uDp' in EXPOSE instruction should be lowercase (line 3)",
      "ExposeProtoCasing: Defined protocol '9000-9005/SCTP' in EXPOSE instruction should be lowercase (line 3)",
      "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:8080:80' (line 3)",
      "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '[::1]:1:2/tcp' (line 3)",
      "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '3000:3000' (line 3)",
    ],
  ],
  [
    'comments that describe nothing, where it is asked for',
    '# check=skip=all;experimental=InvalidDefinitionDescription\n# good is fine\nARG good\n# what is this\nARG a b\n# A comment apart\n#\nARG c\n# stage\n# the first\nFROM scratch AS stage\n\n# another thing\n\nFROM scratch AS last\n# no name, no description\nFROM scratch\n',
    [
      'InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>` (line 5)',
      'InvalidDefinitionDescription: Comment for FROM should follow the format: `# stage <description>` (line 11)',
    ],
  ],
  ['ONBUILD, whose instruction is for later', 'FROM scratch\nONBUILD COPY $x /\nONBUILD MAINTAINER x\n', []],
  [
    'Windows',
    '# escape=`\nFROM scratch\nWORKDIR C:\\app\nCOPY a `\n\n  C:\\b\\\n',
    ['NoEmptyContinuation: Empty continuation line (line 6)'],
  ],
];

describe('the build checks', () => {
  it.each(CASES.map(([what, text, wanted, facts]) => ({ what, text, wanted, facts })))(
    '$what',
    ({ text, wanted, facts }) => {
      expect(lint(text, facts)).toEqual(wanted);
    },
  );

  it('look at the stages that are built, and at the names of all', () => {
    const text = 'FROM scratch AS Unused\nENV a b\nFROM scratch\nENV c d\n';
    expect(lint(text, { built: new Set([1]) })).toEqual([
      "StageNameCasing: Stage name 'Unused' should be lowercase (line 1)",
      'LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (line 4)',
    ]);
  });

  it('say of a broken file what each line says for itself', () => {
    expect(lint('FROM scratch AS Bad\nMAINTAINER me\nENV a b\nFORM x\n')).toEqual([
      "StageNameCasing: Stage name 'Bad' should be lowercase (line 1)",
      'MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)',
    ]);
  });

  it('mark whole instructions, and in them the words that are meant', () => {
    const text = 'FROM scratch\nENV A=1 \\\n  B=$X\n';
    const [finding] = lintDockerfile(parseDockerfile(text)).findings;
    const shown = (range: { start: { offset: number }; end: { offset: number } }): string =>
      text.slice(range.start.offset, range.end.offset);
    expect([shown(finding!.range), shown(finding!.at)]).toEqual(['ENV A=1 \\\n  B=$X', '$X']);
  });

  it('mend nothing that would mean something else', () => {
    const text = 'FROM scratch\nENV a b "c"\nMAINTAINER $x\nENV d \\\n  e\nEXPOSE ${P:-80/TCP}\n';
    const { findings } = lintDockerfile(parseDockerfile(text), args({ P: '80/TCP' }));
    expect(findings.map(({ rule, fix }) => [rule.id, fix])).toEqual([
      ['LegacyKeyValueFormat', undefined],
      ['MaintainerDeprecated', undefined],
      ['LegacyKeyValueFormat', undefined],
      ['UndefinedVar', undefined],
      ['ExposeProtoCasing', undefined],
    ]);
  });

  it('end in time on variables that grow and on files of many instructions', () => {
    const doubling = `FROM scratch\nENV a=${'x'.repeat(1000)}\n${'ENV a=$a$a\n'.repeat(60)}ENV b c\n`;
    expect(lint(doubling)).toHaveLength(1);
    const heavy = `FROM scratch\nENV a=${'x'.repeat(60_000)}\n${'LABEL b=$a\n'.repeat(1000)}LABEL c=$no\n`;
    expect(lint(heavy)).toEqual([]);
    const names = (from: number): string => Array.from({ length: 8000 }, (_, n) => `$v${from + n}`).join('');
    const unknown = `ARG ${Array.from({ length: 2000 }, (_, n) => `w${n}`).join(' ')}\nFROM a${names(0)}\nFROM scratch\nUSER ${names(1)}\n`;
    expect(lint(unknown)).toHaveLength(10_000);
    const ignore = ignoring(Array.from({ length: 20_000 }, (_, n) => `f${n}`).join('\n'));
    expect(lint(`FROM scratch\nCOPY ${'x '.repeat(20_000)} /\n`, ignore)).toEqual([]);
    const many = `FROM scratch\n${'ENV b c\n'.repeat(6000)}`;
    expect(lint(many)).toEqual([]);
  });
});

describe('# check', () => {
  const TEXT = 'FROM scratch as Base\nMAINTAINER me\n';
  const names = (text: string, facts?: LintFacts): string[] =>
    lint(text, facts).map((finding) => finding.split(':')[0]!);

  it.each([
    ['# check=skip=StageNameCasing\n', ['FromAsCasing', 'MaintainerDeprecated']],
    ['# check=skip=StageNameCasing, FromAsCasing ; error=true\n', ['MaintainerDeprecated']],
    ['# check=skip=all\n', []],
    ['# check=skip=Nothing\n', ['StageNameCasing', 'FromAsCasing', 'MaintainerDeprecated']],
    ['# syntax=docker/dockerfile:1\n#check = skip=all\n', []],
    // Behind a comment it is one itself, and above an instruction.
    ['# comment\n# check=skip=all\n', ['MaintainerDeprecated']],
    [
      '# check=skip=FromAsCasing\n\n# check=skip=StageNameCasing because we like it\n',
      ['MaintainerDeprecated'],
    ],
  ])('%j skips', (head, wanted) => {
    expect(names(`${head}${TEXT}`)).toEqual(wanted);
  });

  it('gives way to BUILDKIT_DOCKERFILE_CHECK', () => {
    const facts = args({ BUILDKIT_DOCKERFILE_CHECK: 'skip=MaintainerDeprecated,FromAsCasing;error=1' });
    const found = lintDockerfile(parseDockerfile(`# check=skip=all\n${TEXT}`), facts);
    expect(found.findings.map(({ rule }) => rule.id)).toEqual(['StageNameCasing']);
    expect(found.error).toBe(true);
    expect(names(TEXT, args({ BUILDKIT_DOCKERFILE_CHECK: '' }))).toHaveLength(3);
  });

  it('holds above one instruction for that one, and errors there mean nothing', () => {
    const text = `FROM scratch
# the first of these counts
# check=skip=LegacyKeyValueFormat,SecretsUsedInArgOrEnv
# check=skip=nothing
ENV password x
ENV password x
# check=skip=all;error=true
ENV password x
# check=nonsense
ENV password x
`;
    expect(lint(text).map((finding) => finding.replace(/: .*\(/, ' ('))).toEqual([
      'LegacyKeyValueFormat (line 6)',
      'SecretsUsedInArgOrEnv (line 6)',
      'LegacyKeyValueFormat (line 10)',
      'SecretsUsedInArgOrEnv (line 10)',
    ]);
    expect(lintDockerfile(parseDockerfile(text)).error).toBe(false);
  });

  it('asks for what is experimental by name, above one instruction too, and skip=all does not take it away', () => {
    const file = '# odd\nFROM scratch AS a\n';
    expect(names(file)).toEqual([]);
    expect(names(`# check=skip=all;experimental=all\n\n${file}`)).toEqual(['InvalidDefinitionDescription']);
    expect(names(`# check=experimental=InvalidDefinitionDescription\n\n${file}`)).toHaveLength(1);
    expect(names(`# check=experimental=Other\n\n${file}`)).toHaveLength(0);
    expect(names('\n# odd\n# check=experimental=all\nFROM scratch AS a\n')).toHaveLength(1);
  });

  it.each([
    ['skip', 'invalid check option "skip"'],
    ['skip=A;strict=true', 'invalid check option "strict", want skip, error or experimental'],
    ['error=maybe', 'invalid check option "error=maybe", want error=true or error=false'],
  ])('%s is wrong', (text, problem) => {
    const found = lintDockerfile(parseDockerfile(`# check=${text}\nFROM scratch as Base\n`));
    expect(found).toEqual({ findings: [], error: false, problem });
  });
});
