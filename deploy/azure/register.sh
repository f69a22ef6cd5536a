#!/bin/sh
# Makes or updates all app registrations of docs/entra-setup.md, and prints the settings. It can be run again.
#
#   MCP_URL=https://mcp.contoso.com/mcp CHAT_URL=https://chat.contoso.com deploy/azure/register.sh
#
# MCP_URL_AS_ID=1: the MCP URL becomes an Application ID URI, which MCP clients need (mode 3); its host has to be below a
# verified domain of the tenant. IDENTITY=<object ID of a managed identity>: federated credentials for it, no secrets.
set -eu
: "${MCP_URL:?the public URL of the MCP endpoint}" "${CHAT_URL:?the public URL of the web chat}"
VSCODE=aebc6443-996d-45c2-90f0-388ff96faa56
TENANT=$(az account show --query tenantId -o tsv)

# found NAME: the application's ID, if there is one of that name.
found() { az ad app list --display-name "$1" --query "[?displayName=='$1'].appId | [0]" -o tsv; }

# registered NAME OPTION...: the ID of the application, which is made if there is none.
registered() {
  name=$1; shift
  id=$(found "$name")
  if [ -z "$id" ]; then
    id=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg "$@" --query appId -o tsv)
  else
    az ad app update --id "$id" "$@"
  fi
  az ad sp show --id "$id" --query id -o tsv >/dev/null 2>&1 || az ad sp create --id "$id" --query id -o tsv >/dev/null
  printf '%s' "$id"
}

# federated ID NAME: lets the managed identity stand for an application.
federated() {
  issuer="https://login.microsoftonline.com/$TENANT/v2.0"
  az ad app federated-credential show --id "$1" --federated-credential-id "$2" >/dev/null 2>&1 ||
    az ad app federated-credential create --id "$1" --parameters "{\"name\": \"$2\", \"subject\": \"$IDENTITY\",
      \"issuer\": \"$issuer\", \"audiences\": [\"api://AzureADTokenExchange\"]}" >/dev/null
}

# permitted ID: asks for the scope, and consents for everybody.
permitted() {
  az ad app permission add --id "$1" --api "$API" --api-permissions "$SCOPE=Scope" 2>/dev/null
  az ad app permission grant --id "$1" --api "$API" --scope mcp:tools >/dev/null
}

API=$(registered "MCP server" --requested-access-token-version 2)
if [ "${MCP_URL_AS_ID:-}" ]; then
  az ad app update --id "$API" --identifier-uris "api://$API" "$MCP_URL"
else
  az ad app update --id "$API" --identifier-uris "api://$API"
fi
az ad app update --id "$API" --optional-claims '{"accessToken": [{"name": "idtyp"}, {"name": "acct"}, {"name": "acrs"}]}'
SCOPE=$(az ad app show --id "$API" --query "api.oauth2PermissionScopes[?value=='mcp:tools'].id | [0]" -o tsv)
if [ -z "$SCOPE" ]; then
  SCOPE=$(python3 -c 'import uuid; print(uuid.uuid4())')
  az ad app update --id "$API" --requested-access-token-version 2 --set api.oauth2PermissionScopes="[{
    \"id\": \"$SCOPE\", \"value\": \"mcp:tools\", \"type\": \"User\", \"isEnabled\": true,
    \"adminConsentDisplayName\": \"Use the tools of the MCP server\",
    \"adminConsentDescription\": \"Lets the application use the tools of the MCP server as the signed-in user.\",
    \"userConsentDisplayName\": \"Use the tools of the MCP server as you\",
    \"userConsentDescription\": \"Lets the application use the tools of the MCP server as you.\"}]"
fi
az ad app update --id "$API" --requested-access-token-version 2 --set api.preAuthorizedApplications="[{
  \"appId\": \"$VSCODE\", \"delegatedPermissionIds\": [\"$SCOPE\"]}]"

WEB=$(registered "MCP web chat" --web-redirect-uris "$CHAT_URL/signin-oidc" "$CHAT_URL/signout-callback-oidc")
permitted "$WEB"
CONSOLE=$(registered "MCP console" --public-client-redirect-uris http://localhost --is-fallback-public-client true)
permitted "$CONSOLE"
if [ "${IDENTITY:-}" ]; then
  federated "$API" server
  federated "$WEB" chat
fi

cat <<END
ENTRA_TENANT_ID=$TENANT
MCP_SERVER_URL=$MCP_URL
MCP_SERVER_CLIENT_ID=$API
MCP_SERVER_SCOPE=api://$API/mcp:tools
WEBCLIENT_URL=$CHAT_URL
WEBCLIENT_CLIENT_ID=$WEB
CONSOLE_CLIENT_ID=$CONSOLE
END
if [ "${MCP_URL_AS_ID:-}" ]; then echo "MCP_SERVER_APP_ID_URI=api://$API $MCP_URL"; fi
if [ "${IDENTITY:-}" ]; then echo "ENTRA_CLIENT_IDENTITY=managed"; else
  echo "# WEBCLIENT_CLIENT_SECRET: az ad app credential reset --id $WEB --append --display-name chat --years 1 --query password"
fi
