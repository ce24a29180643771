// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
/** A file of a build context: its text, or where it links to; a mode other than 0644 stands behind the path: `run.sh:755`. */
export type ContextFile = string | { readonly link: string };

/** A Dockerfile that is built here, by docker and by buildah. `base:1` is a busybox with users; nothing comes from a network. */
export interface Case {
  readonly name: string;
  readonly text: string;
  readonly files?: Readonly<Record<string, ContextFile>>;
  /** Options of all three commands. */
  readonly args?: readonly string[];
}

const PROGRAM = 'int main(void) { return 0; }\n';
/** A small project, as contexts are. */
const PROJECT: Readonly<Record<string, ContextFile>> = {
  'README.md': '# read me\n',
  Makefile: 'all:\n\techo made\n',
  'src/main.c': PROGRAM,
  'src/lib/a.c': '/* a */\n',
  'src/lib/b.c': '/* b */\n',
  'src/lib/deep/c.h': '#pragma once\n',
  'bin/run.sh:755': '#!/bin/sh\necho run\n',
  'etc/app.conf': 'port=80\n',
  'etc/app.d/10-a.conf': 'a=1\n',
  'etc/app.d/20-b.conf': 'b=2\n',
  'with blank.txt': 'blank\n',
  link: { link: 'etc/app.conf' },
  'src/up': { link: '../README.md' },
  '.hidden': 'hidden\n',
};

const simple = (name: string, text: string, more: Omit<Case, 'name' | 'text'> = {}): Case => ({
  name,
  text: `FROM base:1\n${text}`,
  ...more,
});
const project = (name: string, text: string, more: Omit<Case, 'name' | 'text'> = {}): Case =>
  simple(name, text, { files: PROJECT, ...more });

export const CORPUS: readonly Case[] = [
  // RUN
  simple('run shell', 'RUN echo hello > /greeting\n'),
  simple('run exec', 'RUN ["touch", "/made", "/with blank"]\n'),
  simple('run exec without a shell', 'RUN ["echo", "$HOME", ">", "/x"]\n'),
  simple('run json that is none', "RUN ['touch', '/x'] || touch /fallen-back\n"),
  simple('run continued', 'RUN echo one \\\n  two \\\n# a comment inside\n  three > /words\n'),
  simple('run changes nothing', 'RUN true\nRUN true\n'),
  simple('run removes', 'RUN rm -r /data/old\nRUN rm /data/file\n'),
  simple('run replaces a folder by a file', 'RUN rm -r /data/old && echo x > /data/old\n'),
  simple('run replaces a file by a folder', 'RUN rm /data/file && mkdir /data/file && touch /data/file/in\n'),
  simple('run empties and refills a folder', 'RUN rm -r /data && mkdir /data && touch /data/new\n'),
  simple(
    'run modes and owners',
    'RUN mkdir -m 1777 /t && touch /s && chmod 4755 /s && chown 12:34 /s && chgrp users /t\n',
  ),
  simple('run links', 'RUN ln -s /greeting /l && echo a > /h1 && ln /h1 /h2 && ln -s ../x /data/rel\n'),
  simple('run links a file of the base', 'RUN ln /data/file /data/again\n'),
  simple('run changes metadata only', 'RUN chmod 600 /data/file\nRUN chown 5:5 /data/old\n'),
  simple('run fifo and names', "RUN mkfifo /fifo && touch '/a b' /ümlaut '/q\"uote' && mkdir -p /a/b/c/d\n"),
  simple(
    'run many small layers',
    Array.from({ length: 12 }, (_, i) => `RUN echo ${i} > /n${i % 4}\n`).join(''),
  ),
  simple('run with a user', 'USER app\nRUN echo mine > /home/app/file && id > /home/app/id\n'),
  simple(
    'run with numbers as user',
    'USER 4242:4343\nRUN touch /tmp/file && id -u > /tmp/uid && id -g > /tmp/gid\n',
  ),
  simple('run with a group', 'USER app:users\nRUN touch /tmp/file && id -gn > /tmp/group\n'),
  simple(
    'run in a shell of its own',
    'SHELL ["/bin/busybox", "ash", "-e", "-c"]\nRUN echo $0 > /zero\nCMD echo x\n',
  ),
  // ENV and ARG
  simple(
    'env reaches run',
    'ENV A=1 B="two words"\nRUN echo "$A-$B" > /env\nENV A=2\nRUN echo "$A" >> /env\n',
  ),
  simple('env of one instruction', 'ENV a=hello\nENV a=bye b=$a\nENV c=$a\nRUN echo $a $b $c > /env\n'),
  simple('env in the old form', 'ENV KEY all of the line "as is"\nRUN echo "$KEY" > /env\n'),
  simple(
    'env with quotes and escapes',
    String.raw`ENV A=\$B C='$D' E="a\"b" F=a\ b
RUN env | grep -E '^[ACEF]=' | sort > /env
`,
  ),
  simple('path of the base grows', 'ENV PATH=/opt/bin:$PATH\nRUN echo $PATH > /path\n'),
  simple('arg with default', 'ARG V=1\nRUN echo $V > /v\n'),
  simple('arg given', 'ARG V=1\nRUN echo $V > /v\n', { args: ['--build-arg', 'V=given'] }),
  simple('arg empty and missing', 'ARG V\nARG W=\nRUN echo "[$V][$W][${V:-d}][${W:-e}][${W-f}]" > /v\n'),
  simple('arg in env', 'ARG V=7\nENV VERSION=${V}\nRUN echo $VERSION > /v\n'),
  simple('env over arg', 'ARG V=arg\nENV V=env\nRUN echo $V > /v\n', { args: ['--build-arg', 'V=given'] }),
  {
    name: 'arg before from',
    text: 'ARG TAG=1\nFROM base:${TAG}\nRUN echo "[$TAG]" > /t\nARG TAG\nRUN echo "[$TAG]" >> /t\n',
  },
  simple('operators', 'ENV e= v=x\nLABEL a=${v:-1} b=${e:-2} c=${v:+3} d=${none:+4} f=${none:-${v}}\n'),
  simple('predefined arg', 'RUN echo "[$HTTP_PROXY]" > /proxy\n', {
    args: ['--build-arg', 'HTTP_PROXY=http://none.invalid'],
  }),
  // Config
  simple('labels', 'LABEL b=2 a=1 "with blank"="x y"\nLABEL a=3 multi="one \\\ntwo"\n'),
  simple(
    'ports and volumes',
    'EXPOSE 80 443/tcp\nEXPOSE 53/udp\nVOLUME /data\nVOLUME ["/logs", "/with blank"]\n',
  ),
  simple('commands', 'ENTRYPOINT ["/bin/echo"]\nCMD ["a", "b c"]\n'),
  simple('commands in a shell', 'CMD echo $HOME\nENTRYPOINT exec top -b\n'),
  simple('entrypoint forgets the cmd of the base', 'ENTRYPOINT ["/bin/true"]\n'),
  simple('cmd twice', 'CMD ["one"]\nCMD ["two"]\n'),
  simple('stop signal and user', 'STOPSIGNAL SIGINT\nUSER app:users\n'),
  simple('health', 'HEALTHCHECK --interval=10s --timeout=2s --retries=5 CMD wget -q localhost || exit 1\n'),
  simple('maintainer', 'MAINTAINER Somebody <nobody@example.invalid>\nRUN touch /x\n'),
  simple('onbuild is kept', 'ONBUILD RUN touch /later\nONBUILD COPY . /app\n'),
  // WORKDIR
  simple('workdir is made', 'WORKDIR /made/by/workdir\nRUN pwd > here\n'),
  simple('workdir relative', 'WORKDIR /a\nWORKDIR b\nWORKDIR ../c/./d/\nRUN pwd > /pwd\n'),
  simple('workdir with variables', 'ENV D=/var/x\nWORKDIR $D/y\nWORKDIR ${D}z\nRUN pwd > /pwd\n'),
  simple('workdir that is there', 'WORKDIR /data\nRUN touch in\n'),
  simple('workdir of a user', 'USER app\nWORKDIR /home/app/work\nRUN touch mine\n'),
  // COPY
  project('copy one file', 'COPY README.md /\nCOPY README.md /renamed\nCOPY README.md /into/\n'),
  project('copy all', 'COPY . /app\n'),
  project(
    'copy relative to workdir',
    'WORKDIR /w\nCOPY src lib\nCOPY README.md ./\nCOPY etc/app.conf ../up\n',
  ),
  project('copy wildcards', 'COPY etc/app.d/*.conf /conf/\nCOPY src/lib/?.c /lib1/\nCOPY s*/m[a-m]in.c /m\n'),
  project('copy json', 'COPY ["with blank.txt", "README.md", "/with blank/"]\n'),
  project('copy several', 'COPY README.md Makefile src /several/\n'),
  project(
    'copy a folder over a folder',
    'RUN mkdir -p /app/lib && touch /app/lib/z && chmod 700 /app/lib\nCOPY src /app\n',
  ),
  project('copy a link', 'COPY link /copied\n'),
  project('copy keeps links inside', 'COPY src /src\n'),
  project('copy through a link of the image', 'RUN ln -s /data /d\nCOPY README.md /d/\nCOPY etc /d/etc\n'),
  project('copy replaces a link', 'RUN mkdir /t && ln -s /data/file /t/README.md\nCOPY README.md /t/\n'),
  project(
    'copy chown',
    'COPY --chown=app:users src /own1\nCOPY --chown=12:34 README.md /own2\nCOPY --chown=app README.md /own3\n',
  ),
  project('copy makes parents', 'COPY --chown=7:8 README.md /p/q/r/file\n'),
  project('copy executable', 'COPY bin/run.sh /usr/local/bin/run\nRUN run > /ran\n'),
  project(
    'copy what changed by run',
    'COPY etc /etc/app\nRUN echo more >> /etc/app/app.conf\nCOPY etc/app.conf /etc/app/app.conf\n',
  ),
  project(
    'copy with variables',
    'ARG FROM_DIR=src\nENV TO=/dest\nCOPY ${FROM_DIR}/main.c $TO/main-${FROM_DIR}.c\n',
  ),
  project('ignored files', 'COPY . /all\n', {
    files: {
      ...PROJECT,
      '.dockerignore': '# comment\n*.md\nsrc/lib\n!src/lib/b.c\n**/*.h\n.dockerignore\nDockerfile\n',
    },
  }),
  project('ignored but one', 'COPY . /all\n', {
    files: { ...PROJECT, '.dockerignore': '*\n!etc\netc/app.d/2*\n' },
  }),
  // Stages
  {
    name: 'stages',
    files: PROJECT,
    text: 'FROM base:1 AS build\nCOPY src /src\nRUN cat /src/main.c /src/lib/*.c > /program\nFROM base:1\nCOPY --from=build /program /usr/bin/program\nCMD ["program"]\n',
  },
  {
    name: 'stage by number',
    text: 'FROM base:1\nRUN echo a > /a\nFROM base:1\nRUN echo b > /b\nFROM base:1\nCOPY --from=0 /a /\nCOPY --from=1 /b /\n',
  },
  {
    name: 'stage on a stage',
    text: 'FROM base:1 AS one\nENV A=1\nRUN echo $A > /one\nFROM one AS two\nENV B=2\nRUN echo $A$B > /two\nFROM two\nRUN cat /one /two > /three\n',
  },
  {
    name: 'target',
    text: 'FROM base:1 AS wanted\nRUN touch /wanted\nFROM wanted\nRUN false\n',
    args: ['--target', 'wanted'],
  },
  {
    name: 'unneeded stage',
    text: 'FROM base:1 AS broken\nRUN false\nFROM base:1\nRUN touch /ok\n',
  },
  {
    name: 'scratch',
    files: PROJECT,
    text: 'FROM scratch\nCOPY bin/run.sh /run\nCOPY etc /etc\nENV A=1\nCMD ["/run"]\n',
  },
  {
    name: 'scratch from a stage',
    text: 'FROM base:1 AS b\nRUN mkdir -p /out/bin && cp /bin/busybox /out/bin/sh && chown -R 9:9 /out\nFROM scratch\nCOPY --from=b /out /\nRUN echo ran > /ran\n',
  },
  {
    name: 'copy from a stage keeps owners',
    text: 'FROM base:1 AS b\nRUN mkdir /o && touch /o/f && chown -R 3:4 /o && chmod 2755 /o && ln -s f /o/l && ln /o/f /o/h\nFROM base:1\nCOPY --from=b /o /o\nCOPY --from=b --chown=5:6 /o /chowned\n',
  },
  {
    name: 'case of words',
    text: 'from base:1 as Build\nrun touch /x\nFrom base:1\ncopy --from=build /x /y\n',
  },
  { name: 'escape directive', text: '# escape=`\nFROM base:1\nRUN echo a `\n  b > /ab\nENV P=C:\\x\n' },
  { name: 'carriage returns', text: 'FROM base:1\r\nRUN echo a \\\r\n  b > /ab\r\nENV A=1\r\n' },
  // ADD
  project('add files', 'ADD README.md /a/\nADD src /b\nADD --chown=1:2 Makefile /c\n'),
  // Whole images
  project(
    'a service',
    'LABEL maintainer=team\nENV PORT=8080\nWORKDIR /srv/app\nCOPY Makefile ./\nRUN mkdir -p node_modules/dep && echo dep > node_modules/dep/index\nCOPY . .\nRUN chown -R app:users /srv/app\nUSER app\nEXPOSE 8080\nHEALTHCHECK NONE\nENTRYPOINT ["/bin/sh", "-c"]\nCMD ["echo $PORT"]\n',
  ),
  project(
    'packages and clean-up',
    'RUN mkdir -p /var/cache/p && echo big > /var/cache/p/a && echo lib > /usr/lib.so && rm -r /var/cache/p\nRUN rm -rf /tmp/* && echo done > /done\n',
  ),
];

type Differences = Readonly<Record<string, string>>;

/** What docker 20.10's BuildKit does otherwise, by case. */
export const DOCKER_DIFFERS: Differences = {
  'run with a user': 'leaves the own group out of the supplementary ones, which later versions do not',
  'workdir that is there': 'makes a layer of nothing',
};

const NO_LAYER = 'makes no layer of WORKDIR';
const NOT_MADE = 'makes a WORKDIR only when something runs in it';
/** What buildah 1.28 does otherwise, by case. */
export const BUILDAH_DIFFERS: Differences = {
  'run in a shell of its own': 'runs a CMD in shell form by /bin/sh whatever SHELL says',
  'unneeded stage': 'builds stages that nothing needs',
  'case of words': 'tells names of stages apart by case',
  'escape directive': 'takes a backslash away that is no escape here',
  'workdir relative': NOT_MADE,
  'workdir with variables': NOT_MADE,
  'workdir is made': NO_LAYER,
  'workdir of a user': NO_LAYER,
  'copy relative to workdir': NO_LAYER,
  'a service': NO_LAYER,
};
