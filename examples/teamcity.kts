// .teamcity/settings.kts: creates a build, waits for it, and deploys it when it has completed.
//
// Needs create-build.sh and deploy-build.sh from this folder, package.json, and curl, jq and Docker on
// the agent. Create the token of the password parameter in the project's settings ("Versioned
// Settings", "Tokens"). Replace it and the SIDs.
import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildSteps.script

version = "2024.12"

project {
    buildType(DeployTwilioBuild)
}

object DeployTwilioBuild : BuildType({
    name = "Deploy Twilio build"

    vcs {
        root(DslContext.settingsRoot)
    }

    params {
        param("env.TWILIO_API_KEY", "SK00000000000000000000000000000000")
        password("env.TWILIO_API_SECRET", "credentialsJSON:YOUR-TOKEN")
        param("env.TWILIO_SERVICE_SID", "ZS00000000000000000000000000000000")
        param("env.TWILIO_ENVIRONMENT_SID", "ZE00000000000000000000000000000000")
        // The steps set these three. A build can use only parameters that it defines.
        param("env.TWILIO_BUILD_SID", "")
        param("env.TWILIO_BUILD_WAIT_OUTCOME", "")
        param("env.TWILIO_BUILD_WAIT_BUILD_SID", "")
    }

    steps {
        script {
            name = "Create the Twilio build"
            scriptContent = """
                set -e
                sh ./create-build.sh > build.sid
                echo "##teamcity[setParameter name='env.TWILIO_BUILD_SID' value='$(cat build.sid)']"
            """.trimIndent()
        }
        // With TEAMCITY_VERSION the tool sets parameters, and reports a build problem unless the
        // Twilio build has completed.
        script {
            name = "Wait for the Twilio build"
            scriptContent = """
                docker run --rm --env TEAMCITY_VERSION \
                    --env TWILIO_API_KEY --env TWILIO_API_SECRET \
                    --env TWILIO_SERVICE_SID --env TWILIO_BUILD_SID --env TWILIO_ENVIRONMENT_SID \
                    ghcr.io/OWNER/twilio-build-wait:1
            """.trimIndent()
        }
        script {
            name = "Deploy"
            conditions {
                equals("env.TWILIO_BUILD_WAIT_OUTCOME", "completed")
            }
            scriptContent = "sh ./deploy-build.sh %env.TWILIO_BUILD_WAIT_BUILD_SID%"
        }
    }

    failureConditions {
        executionTimeoutMin = 20
    }
})
