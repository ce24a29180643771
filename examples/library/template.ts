// Go templates, as `--format` takes them.
import { parseTemplate } from 'dobos/template/parse-template';
import { runTemplate } from 'dobos/template/run-template';

const template = parseTemplate('{{.Name}}: {{join .Tags ", "}}');
console.log(runTemplate(template, { Name: 'app', Tags: ['1.0', 'latest'] })); // app: 1.0, latest
