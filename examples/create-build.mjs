// Creates a Twilio Serverless build of uploaded function versions, and prints its SID:
//
//   node create-build.mjs ZN00000000000000000000000000000000 ...
//
// Needs the package `twilio`, and in the environment TWILIO_ACCOUNT_SID, TWILIO_API_KEY,
// TWILIO_API_SECRET and TWILIO_SERVICE_SID. The library has no call that waits for the build.
import twilio from "twilio";

const { TWILIO_ACCOUNT_SID, TWILIO_API_KEY, TWILIO_API_SECRET, TWILIO_SERVICE_SID } = process.env;
const client = twilio(TWILIO_API_KEY, TWILIO_API_SECRET, { accountSid: TWILIO_ACCOUNT_SID });

const dependencies = [
  { name: "twilio", version: "5.3.0" },
  { name: "@twilio/runtime-handler", version: "1.3.0" },
];
const build = await client.serverless.v1.services(TWILIO_SERVICE_SID).builds.create({
  functionVersions: process.argv.slice(2),
  dependencies: JSON.stringify(dependencies),
  runtime: "node22",
});
console.log(build.sid);
