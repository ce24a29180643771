// biome-ignore-all format: tables
import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import type { Image } from '../image/types.ts';
import { parsePlatform } from '../oci/platform.ts';
import { planBuild } from './plan.ts';
import { formatPlan } from './plan-format.ts';

interface Asked {
  readonly args?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
}

const BASE = { Env: ['PATH=/bin'], Cmd: ['sh'], WorkingDir: '/w' };
const amd64 = { os: 'linux', architecture: 'amd64' };

/** What the steps of `FROM base` and these lines leave: changes of the configuration, environments, the history; warnings last. */
function left(lines: string, { args = {}, labels = {}, target, platform = 'linux/amd64' }: Asked = {}): string[] {
  const text = /^(?:ARG .*\n)*FROM /.test(lines) ? lines : `FROM base\n${lines}`;
  const base = { config: { ...amd64, config: BASE } } as unknown as Image;
  const graph = planBuild(parseDockerfile(text), new Map([['base', base]]), {
    platform: parsePlatform(platform),
    buildPlatform: amd64,
    buildArgs: new Map(Object.entries(args)),
    labels: new Map(Object.entries(labels)),
    target,
  });
  return formatPlan(graph)
    .split('\n')
    .flatMap((line) => /^(?: {4}(config: .*|env: .*|proxy: .*|history: .*|directory: .*)|(warning: .*))$/.exec(line)?.[0].trim() ?? [])
    .map((line) => line.replace(/^history: "(.*)"$/, (_, words: string) => words.replaceAll('\\"', '"')))
    .filter((line) => line !== 'env: PATH=/bin');
}

describe('what instructions mean, point by point', () => {
  it.each<[string, string, Asked, string[]]>([
    ['an ARG before FROM is seen by who declares it', 'ARG a=1\nFROM base\nLABEL x=$a\nARG a\nLABEL y=$a', {}, [
      'config: Labels = {"x":""}', 'LABEL x=', 'ARG a=1', 'config: Labels = {"x":"","y":"1"}', 'LABEL y=1',
    ]],
    ["a stage's own default wins over that before FROM", 'ARG a=1\nFROM base\nARG a=2\nARG b=$a\nLABEL y=$b', {}, [
      'ARG a=2', 'ARG b=2', 'config: Labels = {"y":"2"}', 'LABEL y=2',
    ]],
    ['a --build-arg wins over both', 'ARG a=1\nFROM base\nARG a=2\nLABEL y=$a', { args: { a: '3' } }, [
      'ARG a=3', 'config: Labels = {"y":"3"}', 'LABEL y=3',
    ]],
    ['a stage has the ARGs of the stage that it starts from', 'FROM base AS one\nARG a=1\nFROM one\nRUN x', {}, [
      'ARG a=1', 'env: a=1', 'RUN |1 a=1 /bin/sh -c x # buildkit',
    ]],
    ['and not those of its siblings', 'FROM base AS one\nARG a=1\nFROM base\nRUN x', {}, ['RUN /bin/sh -c x # buildkit']],
    ['ENV wins over ARG, wherever they stand', 'ENV a=env\nARG a=arg\nRUN x', {}, [
      'config: Env = ["PATH=/bin","a=env"]', 'ENV a=env', 'ARG a=arg', 'env: a=env', 'RUN |1 a=env /bin/sh -c x # buildkit',
    ]],
    ['proxies are known to RUN and to nobody else', 'RUN x', { args: { HTTP_PROXY: 'p', no_proxy: 'n' } }, [
      'proxy: HTTP_PROXY', 'proxy: no_proxy', 'RUN /bin/sh -c x # buildkit',
    ]],
    ['proxies that are declared are as other ARGs', 'ARG HTTP_PROXY\nRUN x', { args: { HTTP_PROXY: 'p' } }, [
      'ARG HTTP_PROXY=p', 'env: HTTP_PROXY=p', 'RUN |1 HTTP_PROXY=p /bin/sh -c x # buildkit',
    ]],
    ['the platform is in ARGs, which a default overrides', 'ARG TARGETOS TARGETARCH=mine TARGETVARIANT BUILDPLATFORM', { platform: 'linux/arm/v7' }, [
      'ARG TARGETOS=linux TARGETARCH=mine TARGETVARIANT=v7 BUILDPLATFORM=linux/amd64',
    ]],
    ['TARGETSTAGE is the target, else default', 'FROM base AS one\nARG TARGETSTAGE\nFROM base', { target: 'one' }, ['ARG TARGETSTAGE=one']],
    ['variables of one ENV do not see each other', 'ENV abc=hello\nENV abc=bye def=$abc', {}, [
      'config: Env = ["PATH=/bin","abc=hello"]', 'ENV abc=hello',
      'config: Env = ["PATH=/bin","abc=bye","def=hello"]', 'ENV abc=bye def=hello',
    ]],
    ['ENV replaces in place', 'ENV PATH=$PATH:/x b=1', {}, ['config: Env = ["PATH=/bin:/x","b=1"]', 'ENV PATH=/bin:/x b=1']],
    ['EXPOSE alone splits what a variable holds; ranges and protocols are put in full', 'ARG P="80 443/tcp"\nEXPOSE $P 8000-8001/UDP', {}, [
      'ARG P=80 443/tcp', 'config: ExposedPorts = {"443/tcp":{},"80/tcp":{},"8000/udp":{},"8001/udp":{}}', 'EXPOSE [443/tcp 80/tcp 8000/udp 8001/udp]',
    ]],
    ['EXPOSE takes the port inside of a mapping', 'EXPOSE 127.0.0.1:80:81 90:91', {}, [
      'config: ExposedPorts = {"81/tcp":{},"91/tcp":{}}', 'EXPOSE [81/tcp 91/tcp]',
    ]],
    ['LABEL does not split, and --label comes last', 'ARG l="a b"\nLABEL x=$l y=1', { labels: { y: 'cli' } }, [
      'ARG l=a b', 'config: Labels = {"x":"a b","y":"1"}', 'LABEL x=a b y=1', 'config: Labels = {"x":"a b","y":"cli"}',
    ]],
    ['ENTRYPOINT forgets the CMD of the base', 'ENTRYPOINT ["e"]', {}, ['config: Entrypoint = ["e"]', 'config: no Cmd', 'ENTRYPOINT ["e"]']],
    ['and not one of the same stage, before or behind', 'CMD ["c"]\nENTRYPOINT ["e"]', {}, [
      'config: Cmd = ["c"]', 'CMD ["c"]', 'config: Entrypoint = ["e"]', 'ENTRYPOINT ["e"]',
    ]],
    ['empty commands are none', 'CMD []\nENTRYPOINT []', {}, ['config: no Cmd', 'CMD []', 'config: no Entrypoint', 'ENTRYPOINT []']],
    ['SHELL counts for what comes behind it', 'CMD a\nSHELL ["b", "-c"]\nCMD c\nRUN d', {}, [
      'config: Cmd = ["/bin/sh","-c","a"]', 'CMD ["/bin/sh" "-c" "a"]', 'config: Shell = ["b","-c"]', 'SHELL [b -c]',
      'config: Cmd = ["b","-c","c"]', 'CMD ["b" "-c" "c"]', 'RUN b -c d # buildkit',
    ]],
    ['HEALTHCHECK has times in nanoseconds', 'HEALTHCHECK --interval=5m --retries=0 CMD ["a","b"]\nHEALTHCHECK NONE', {}, [
      'config: Healthcheck = {"Test":["CMD","a","b"],"Interval":300000000000}', 'HEALTHCHECK --interval=5m --retries=0 CMD ["a","b"]',
      'config: Healthcheck = {"Test":["NONE"]}', 'HEALTHCHECK NONE',
    ]],
    ['WORKDIR goes on from the one before, and is cleaned', 'WORKDIR a\nWORKDIR ../../b/./c\nWORKDIR /', {}, [
      'directory: /w/a', 'WORKDIR /w/a', 'directory: /b/c', 'WORKDIR /b/c', 'directory: /', 'WORKDIR /',
    ]],
    ['ONBUILD is kept as it is written', 'ONBUILD RUN echo $X\nONBUILD COPY --from=0 a b', {}, [
      'config: OnBuild = ["RUN echo $X"]', 'ONBUILD RUN echo $X',
      'config: OnBuild = ["RUN echo $X","COPY --from=0 a b"]', 'ONBUILD COPY --from=0 a b',
    ]],
    ['ONBUILD runs in the next stage, and in no other', 'FROM base AS one\nONBUILD ENV A=1\nFROM one AS two\nFROM two\nCMD []', {}, [
      'config: OnBuild = ["ENV A=1"]', 'ONBUILD ENV A=1', 'config: no OnBuild',
      'config: Env = ["PATH=/bin","A=1"]', 'ENV A=1', 'config: no Cmd', 'CMD []',
    ]],
    ['RUN, CMD and MAINTAINER are not expanded', 'ENV v=1\nRUN echo $v\nCMD echo $v\nMAINTAINER $v', {}, [
      'config: Env = ["PATH=/bin","v=1"]', 'ENV v=1', 'env: v=1', 'RUN /bin/sh -c echo $v # buildkit',
      'config: Cmd = ["/bin/sh","-c","echo $v"]', 'CMD ["/bin/sh" "-c" "echo $v"]', 'MAINTAINER $v',
    ]],
    ['names of stages are found in any case', 'FROM base AS Base2\nENV A=1\nFROM BASE2\nCMD []', {}, [
      'config: Env = ["PATH=/bin","A=1"]', 'ENV A=1', 'config: no Cmd', 'CMD []',
    ]],
  ])('%s', (_, text, asked, want) => {
    expect(left(text, asked)).toEqual(want);
  });

  it('gives scratch a PATH and a directory', () => {
    expect(left('FROM scratch')).toEqual([
      'config: WorkingDir = "/"',
      'config: Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]',
    ]);
  });

  it.each([
    ['EXPOSE 65536', 'invalid port "65536" in EXPOSE'],
    ['EXPOSE 80/foo', 'invalid port "80/foo" in EXPOSE'],
    ['VOLUME ""', 'VOLUME specified can not be an empty string'],
    ['VOLUME $nothing', 'VOLUME specified can not be an empty string'],
    ['STOPSIGNAL 0', 'invalid signal "0" in STOPSIGNAL'],
    ['USER $nothing', 'USER $nothing is empty'],
    ['COPY --chown= a b', 'COPY --chown names nothing'],
    ['COPY --checksum=sha256:x a b', 'unknown flag: --checksum'],
    ['ADD --checksum=sha256:x a b', 'checksum requires HTTP(S) or Git sources'],
    ['ADD --keep-git-dir a b', '--keep-git-dir is for git repositories, and no source is one'],
    ['COPY --from=scratch a b', 'COPY --from=scratch has no files to copy'],
  ])('%s: %s', (line, message) => {
    expect(() => left(line)).toThrow(message);
  });

  it('calls the machine by BUILDKIT_SANDBOX_HOSTNAME, which is part of the step', () => {
    const plan = (name: string) => {
      const base = { config: { ...amd64, config: BASE } } as unknown as Image;
      const buildArgs = new Map([['BUILDKIT_SANDBOX_HOSTNAME', name]]);
      const o = { platform: amd64, buildPlatform: amd64, buildArgs };
      return formatPlan(planBuild(parseDockerfile('FROM base\nRUN x'), new Map([['base', base]]), o));
    };
    expect(plan('box')).toContain('network default, host box\n');
    expect(() => plan('a b')).toThrow('--build-arg BUILDKIT_SANDBOX_HOSTNAME=a b is no name of a host');
  });
});
