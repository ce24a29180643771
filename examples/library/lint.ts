// docker's build checks: what is found, where, and the edits that mend it.
import { parseDockerfile } from 'dobos/dockerfile/parse-dockerfile';
import { lintDockerfile } from 'dobos/lint/lint-dockerfile';

const { findings } = lintDockerfile(parseDockerfile('FROM debian AS base\nENV DIR /src\n'));
for (const { rule, at, fix } of findings) console.log(rule.id, at.start.line, fix?.[0]?.text); // LegacyKeyValueFormat 2 DIR=/src
