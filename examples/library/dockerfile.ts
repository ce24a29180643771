// A Dockerfile as a value: instructions with their place in the text, problems instead of exceptions.
import { parseDockerfile } from 'dobos/dockerfile/parse-dockerfile';

const file = parseDockerfile('FROM debian\nRUN apt-get update\nCMD ["bash"]\n');
for (const { kind, range } of file.instructions) console.log(range.start.line, kind); // 1 FROM, 2 RUN, 3 CMD
console.log(file.problems.length); // 0
