// Clients for the gateway that the test run started.
import { S3Client } from "@aws-sdk/client-s3";

export const endpoint = process.env.STOWGATE_ENDPOINT;

export function client(settings = {}) {
  return new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: {
      accessKeyId: process.env.STOWGATE_TEST_ACCESS_KEY,
      secretAccessKey: process.env.STOWGATE_TEST_SECRET_KEY,
    },
    ...settings,
  });
}

export async function text(answer) {
  return answer.Body.transformToString();
}

// Expects a modelled or unmodelled service error of this name.
export function named(name, status) {
  return (error) => {
    if (error.name !== name || (status && error.$metadata?.httpStatusCode !== status)) {
      throw new Error(`wanted ${name} ${status ?? ""}, got ${error.name}: ${error.message}`);
    }
    return true;
  };
}
