import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planBuild } from '../../src/build/plan.ts';
import { parseDockerfile } from '../../src/dockerfile/parse-dockerfile.ts';
import type { ContainerConfig } from '../../src/oci/types.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };

/** Dockerfiles that need no base and no RUN; the config that they end with is compared key by key. Not SHELL: buildah drops it without a RUN. */
const CASES: Readonly<Record<string, string>> = {
  words: String.raw`
ENV A=1 B="two words" C=a=b=c D='$A' E=\$A F="$A" G="\"q\"" H=a\ b I="a'b" J='a"b' K=a"b"'c'
ENV OLD style with "$A"
ENV A=2 L=$A
ENV M=$A/x N=$AB/x O=$A$B P=\\$A`,
  operators: `
ENV v=value empty=
LABEL a=\${v:-w} b=\${none:-w} c=\${empty:-w} d=\${v:+w} e=\${none:+w} f=\${none:-\${v}} g="\${none:-a b}"`,
  args: `
ARG A=1
ARG B=$A-b
ARG GIVEN=default
ENV C=$A D=$B E=$GIVEN
ARG C=loses
LABEL c=$C`,
  lists: `
LABEL b=2 a=1 "with blank"='x y' long="one \\
two"
LABEL a=3
EXPOSE 80 443/tcp
EXPOSE 53/udp
VOLUME /data /logs
VOLUME ["/json", "/with blank"]`,
  places: `
ENV where=sub
WORKDIR app
WORKDIR ../x/./y/
WORKDIR $where
USER app:staff
STOPSIGNAL SIGTERM`,
  shells: `
CMD echo $HOME   and more
ENTRYPOINT run  $it
ONBUILD RUN  a  b
ONBUILD COPY . /x`,
  exec: `
CMD ["first"]
ENTRYPOINT [ "/bin/x", "$y", "\\"q\\"" ]
CMD ["a b", "c"]`,
  health: `
HEALTHCHECK --interval=1m30s --timeout=3s --start-period=10s --retries=3 CMD curl "x" || exit 1`,
  'no health': `
HEALTHCHECK CMD true
HEALTHCHECK NONE`,
};

describe('the config that a Dockerfile plans is the one that buildah makes', () => {
  let work: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'dobos-plan-'));
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it.each(Object.keys(CASES))('%s', (name) => {
    const text = `FROM scratch${CASES[name]}\n`;
    expect(plannedConfig(text)).toEqual(buildahConfig(text));
  });

  function buildahConfig(text: string): ContainerConfig {
    const context = mkdtempSync(join(work, 'context-'));
    const storage = join(context, 'storage');
    mkdirSync(storage);
    writeFileSync(join(context, 'Dockerfile'), text);
    const own = [
      '--root',
      join(storage, 'root'),
      '--runroot',
      join(storage, 'run'),
      '--storage-driver',
      'vfs',
    ];
    const buildah = (...args: string[]): string =>
      execFileSync('buildah', [...own, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    buildah('bud', '--format', 'docker', '--build-arg', 'GIVEN=given', '-q', '-t', 'made', context);
    const { Docker } = JSON.parse(buildah('inspect', '--type', 'image', 'made')) as {
      Docker: { config: ContainerConfig };
    };
    buildah('rmi', '-a', '-f');
    const { 'io.buildah.version': _, ...Labels } = Docker.config.Labels ?? {};
    return comparable({ ...Docker.config, Labels });
  }
});

/** The config of the last step of the plan. */
function plannedConfig(text: string): ContainerConfig {
  const o = { buildArgs: new Map([['GIVEN', 'given']]), platform: amd64, buildPlatform: amd64 };
  let config: ContainerConfig = {};
  for (const { op } of planBuild(parseDockerfile(text), new Map(), o).steps) {
    if (op.kind === 'config') config = { ...config, ...op.config };
    if (op.kind === 'workdir') config = { ...config, WorkingDir: op.path };
  }
  return comparable(config);
}

function comparable(config: ContainerConfig): ContainerConfig {
  const { Env, Labels = {}, Cmd, Entrypoint, ExposedPorts, Volumes, User, WorkingDir } = config;
  const { StopSignal, Healthcheck, OnBuild } = config;
  const whole = {
    ...{ Env, Labels, Cmd, Entrypoint, ExposedPorts, Volumes, User, StopSignal, Healthcheck, OnBuild },
    // Buildah leaves the directory of scratch empty, which means the same.
    WorkingDir: WorkingDir === '/' ? '' : WorkingDir,
  };
  const said = Object.entries(whole).filter(([, value]) => {
    if (value === undefined || value === null || value === '') return false;
    return typeof value !== 'object' || Object.keys(value).length > 0;
  });
  return Object.fromEntries(said);
}
