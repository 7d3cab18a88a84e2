// Uploads functions/ and assets/, creates a Twilio Serverless build of them, and prints its SID.
//
// As in Twilio's toolkit, the name of a file decides who can reach it: hello.js is public,
// admin.protected.js is protected, helper.private.js is private, and so are assets, such as
// logo.private.png. Folders become part of the path. If there is a name or a type that this program
// does not handle, it uploads nothing. A build has only the files that it is created with, so every
// file is uploaded, whether it has changed or not.
//
// Needs Node 20 or newer, no packages, package.json, and in the environment TWILIO_API_KEY,
// TWILIO_API_SECRET and TWILIO_SERVICE_SID. TWILIO_REGION is us1 by default.
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";

const { env } = process;
const REGIONS = new Map([["us1", ""], ["ie1", ".dublin.ie1"], ["au1", ".sydney.au1"]]);
const TYPES = new Map([
  ["css", "text/css"], ["gif", "image/gif"], ["html", "text/html"], ["ico", "image/x-icon"],
  ["jpg", "image/jpeg"], ["js", "application/javascript"], ["json", "application/json"],
  ["mp3", "audio/mpeg"], ["pdf", "application/pdf"], ["png", "image/png"], ["svg", "image/svg+xml"],
  ["txt", "text/plain"], ["wav", "audio/wav"], ["xml", "application/xml"],
]);
const FUNCTION = /^functions(\/[A-Za-z0-9/_-]+)(?:\.(protected|private))?\.(js)$/;
const ASSET = /^assets(\/[A-Za-z0-9/_.-]+?)(?:\.(protected|private))?\.([a-z0-9]+)$/;
const UNCLEAR = /\/\.|node_modules|protected|private/i;

function fail(message) {
  console.error(message);
  process.exit(1);
}

function findFiles(folder) {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true }).sort() : [];
  return names.map((name) => `${folder}/${name}`).filter((file) => !lstatSync(file).isDirectory());
}

// Returns what a file becomes, or null if its name or type is not handled.
function describe(file) {
  const match = FUNCTION.exec(file) ?? ASSET.exec(file);
  if (!match || !TYPES.has(match[3]) || UNCLEAR.test(match[1])) return null;
  const [, path, visibility = "public", extension] = match;
  const type = TYPES.get(extension);
  return file.startsWith("functions/")
    ? { file, kind: "Functions", path, visibility, type }
    : { file, kind: "Assets", path: `${path}.${extension}`, visibility, type };
}

// Returns Twilio's response as an object. With a body, the request is a POST.
async function twilio(url, body) {
  const authorization = `Basic ${btoa(`${env.TWILIO_API_KEY}:${env.TWILIO_API_SECRET}`)}`;
  const method = body ? "POST" : "GET";
  const response = await fetch(url, { method, headers: { authorization }, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`Twilio's response: HTTP ${response.status}, ${text}`);
  return JSON.parse(text);
}

// Returns the SIDs of the functions or assets that the service has, by name.
async function list(url) {
  const sids = new Map();
  for (let query = "?PageSize=100"; query; ) {
    const { meta, ...page } = await twilio(url + query);
    for (const { sid, friendly_name } of page[meta.key]) sids.set(friendly_name, sid);
    query = meta.next_page_url && new URL(meta.next_page_url).search;
  }
  return sids;
}

function readDependencies() {
  try {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
    return Object.entries(dependencies).map(([name, version]) => ({ name, version }));
  } catch {
    return fail('package.json has no "dependencies". Write {} if there are none.');
  }
}

async function createBuild(region, dependencies, plan) {
  const service = `v1/Services/${env.TWILIO_SERVICE_SID}`;
  const api = `${env.TWILIO_BASE_URL || `https://serverless${region}.twilio.com`}/${service}`;
  const upload = `${env.TWILIO_BASE_URL || `https://serverless-upload${region}.twilio.com`}/${service}`;
  const existing = {
    Functions: await list(`${api}/Functions`),
    Assets: await list(`${api}/Assets`),
  };
  const build = new URLSearchParams({ Dependencies: JSON.stringify(dependencies), Runtime: "node22" });
  for (const { file, kind, path, visibility, type } of plan) {
    const name = new URLSearchParams({ FriendlyName: path });
    const sid = existing[kind].get(path) ?? (await twilio(`${api}/${kind}`, name)).sid;
    const form = new FormData();
    form.append("Path", path);
    form.append("Visibility", visibility);
    form.append("Content", new Blob([readFileSync(file)], { type }), file);
    const version = await twilio(`${upload}/${kind}/${sid}/Versions`, form);
    build.append(kind.replace(/s$/, "Versions"), version.sid);
  }
  return (await twilio(`${api}/Builds`, build)).sid;
}

const region = env.TWILIO_REGION || "us1";
if (!REGIONS.has(region)) fail(`TWILIO_REGION is ${region}. This program knows us1, ie1 and au1.`);
const dependencies = readDependencies();
const files = [...findFiles("functions"), ...findFiles("assets")];
if (!files.length) fail("There is no file in functions/ or assets/.");
const refused = files.filter((file) => !describe(file)).map((file) => `\n  ${file}`);
if (refused.length) {
  const names = refused.slice(0, 10).join("");
  fail(`Nothing was uploaded. The name or type of these files is not handled:${names}`);
}
try {
  console.log(await createBuild(REGIONS.get(region), dependencies, files.map(describe)));
} catch (error) {
  fail(`No build was created. ${error.cause ?? error.message}`);
}
