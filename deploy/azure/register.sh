#!/bin/sh
# Makes or updates all app registrations of docs/entra-setup.md, and prints the settings. It can be run again: what
# is there already, its own and what an administrator added, stays.
#
#   MCP_URL=https://mcp.contoso.com/mcp CHAT_URL=https://chat.contoso.com deploy/azure/register.sh
#
# MCP_URL_AS_ID=1: the MCP URL becomes an Application ID URI, which MCP clients need (mode 3); its host has to be below a
# verified domain of the tenant. IDENTITY=<object ID of a managed identity>: federated credentials for it, no secrets;
# SERVER_IDENTITY and CHAT_IDENTITY, if each service has one of its own. CONSOLE_IDENTITY: the terminal chat is no public client, but
# proves itself by this identity of the machine that it runs on; it has another registration then.
# NAME=MCP: what the names of the registrations begin with.
set -euf
: "${MCP_URL:?the public URL of the MCP endpoint}" "${CHAT_URL:?the public URL of the web chat}"
case "$MCP_URL $CHAT_URL" in */\ * | */) echo "MCP_URL and CHAT_URL end without a slash." >&2; exit 2 ;; esac
VSCODE=aebc6443-996d-45c2-90f0-388ff96faa56
NAME=${NAME:-MCP}
TENANT=$(az account show --query tenantId -o tsv)
case $(az cloud show --query name -o tsv) in
  AzureUSGovernment) AUTHORITY=https://login.microsoftonline.us AUDIENCE=api://AzureADTokenExchangeUSGov ;;
  AzureChinaCloud) AUTHORITY=https://login.partner.microsoftonline.cn AUDIENCE=api://AzureADTokenExchangeChina ;;
  *) AUTHORITY=https://login.microsoftonline.com AUDIENCE=api://AzureADTokenExchange ;;
esac

# patiently COMMAND...: tries again, because Entra ID's replicas learn of a new registration some seconds later.
patiently() {
  for _ in 1 2 3 4 5 6 7 8; do
    "$@" >/dev/null 2>&1 && return
    sleep "${PAUSE:-5}"
  done
  "$@" >/dev/null
}

# registered NAME OPTION...: the ID of the application of that name, which is made if it is missing.
registered() {
  name=$1; shift
  id=$(az ad app list --display-name "$name" --query "[?displayName=='$name'].appId" -o tsv)
  case $id in *[!0-9a-f-]*) echo "There are several registrations of the name $name: set NAME." >&2; exit 1 ;; esac
  if [ "$id" ]; then echo "$name: $id, which is there already" >&2; else
    id=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg "$@" --query appId -o tsv)
    patiently az ad app show --id "$id"
  fi
  principal=$(az ad sp list --filter "appId eq '$id'" --query "[0].id" -o tsv)
  if [ -z "$principal" ]; then
    patiently az ad sp create --id "$id"
    patiently az ad sp show --id "$id"
  fi
  printf '%s' "$id"
}

# all ID PATH VALUE...: the values that a registration has there already, and these.
all() {
  held=$(az ad app show --id "$1" --query "$2" -o tsv); shift 2
  printf '%s\n' "$held" "$@" | sed '/^$/d' | sort -u
}

# joined ID PATH KEY OBJECT...: the list of objects that a registration has there, and those whose key it lacks, as JSON.
joined() {
  held=$(az ad app show --id "$1" --query "$2" -o json); shift 2
  python3 - "$held" "$@" <<'END'
import json, sys
held, key, *more = json.loads(sys.argv[1] or "[]"), *sys.argv[2:]
known = {one[key] for one in held}
print(json.dumps(held + [one for one in map(json.loads, more) if one[key] not in known]))
END
}

# federated ID NAME OBJECT-ID: lets the managed identity, if there is one, stand for an application.
federated() {
  [ "$3" ] || return 0
  az ad app federated-credential show --id "$1" --federated-credential-id "$2-$3" >/dev/null 2>&1 ||
    az ad app federated-credential create --id "$1" --parameters "{\"name\": \"$2-$3\", \"subject\": \"$3\",
      \"issuer\": \"$AUTHORITY/$TENANT/v2.0\", \"audiences\": [\"$AUDIENCE\"]}" >/dev/null
}

# permitted ID: asks for the scope, and consents for everybody.
permitted() {
  asked=$(az ad app show --id "$1" --query "requiredResourceAccess[].resourceAccess[] | [?id=='$SCOPE'].id | [0]" -o tsv)
  [ "$asked" ] || az ad app permission add --id "$1" --api "$API" --api-permissions "$SCOPE=Scope" --only-show-errors
  # `grant` replaces what was consented to before, so that is named again
  granted=$(az ad app permission list-grants --id "$1" -o tsv \
    --query "[?resourceId=='$PRINCIPAL' && consentType=='AllPrincipals'].scope | [0]")
  case " $granted " in *" mcp:tools "*) return ;; esac
  # shellcheck disable=SC2086 # several scopes
  az ad app permission grant --id "$1" --api "$API" --scope $granted mcp:tools >/dev/null ||
    echo "No consent for everybody: each person is asked at the first sign-in, or an administrator runs this again." >&2
}

API=$(registered "$NAME server" --requested-access-token-version 2)
PRINCIPAL=$(az ad sp show --id "$API" --query id -o tsv)
az ad app update --id "$API" --requested-access-token-version 2
URIS=$(all "$API" identifierUris "api://$API" ${MCP_URL_AS_ID:+"$MCP_URL"})
CLAIMS=$(joined "$API" optionalClaims.accessToken name '{"name": "idtyp"}' '{"name": "acct"}' '{"name": "acrs"}')
# shellcheck disable=SC2086 # several URIs
az ad app update --id "$API" --identifier-uris $URIS --optional-claims "{\"accessToken\": $CLAIMS}"
# The version stands beside each part of `api`: without it azure-cli finds no `api` to change (azure-cli#23443).
SCOPES=$(joined "$API" api.oauth2PermissionScopes value "{
  \"id\": \"$(python3 -c 'import uuid; print(uuid.uuid4())')\", \"value\": \"mcp:tools\", \"type\": \"User\",
  \"adminConsentDisplayName\": \"Use the tools of the MCP server\", \"isEnabled\": true,
  \"adminConsentDescription\": \"Lets the application use the tools of the MCP server as the signed-in user.\",
  \"userConsentDisplayName\": \"Use the tools of the MCP server as you\",
  \"userConsentDescription\": \"Lets the application use the tools of the MCP server as you.\"}")
az ad app update --id "$API" --requested-access-token-version 2 --set "api.oauth2PermissionScopes=$SCOPES"
SCOPE=$(az ad app show --id "$API" --query "api.oauth2PermissionScopes[?value=='mcp:tools'].id | [0]" -o tsv)
CLIENTS=$(joined "$API" api.preAuthorizedApplications appId \
  "{\"appId\": \"$VSCODE\", \"delegatedPermissionIds\": [\"$SCOPE\"]}")
az ad app update --id "$API" --requested-access-token-version 2 --set "api.preAuthorizedApplications=$CLIENTS"

WEB=$(registered "$NAME web chat")
URIS=$(all "$WEB" web.redirectUris "$CHAT_URL/signin-oidc" "$CHAT_URL/signout-callback-oidc")
# shellcheck disable=SC2086 # several URIs
az ad app update --id "$WEB" --web-redirect-uris $URIS
permitted "$WEB"
if [ "${CONSOLE_IDENTITY:-}" ]; then
  CONSOLE=$(registered "$NAME console with an identity")
  URIS=$(all "$CONSOLE" web.redirectUris http://localhost)
  # shellcheck disable=SC2086 # several URIs
  az ad app update --id "$CONSOLE" --web-redirect-uris $URIS
  federated "$CONSOLE" console "$CONSOLE_IDENTITY"
else
  CONSOLE=$(registered "$NAME console" --is-fallback-public-client true)
  URIS=$(all "$CONSOLE" publicClient.redirectUris http://localhost)
  # shellcheck disable=SC2086 # several URIs
  az ad app update --id "$CONSOLE" --public-client-redirect-uris $URIS --is-fallback-public-client true
fi
permitted "$CONSOLE"
CHAT_IDENTITY=${CHAT_IDENTITY:-${IDENTITY:-}}
federated "$API" server "${SERVER_IDENTITY:-${IDENTITY:-}}"
federated "$WEB" chat "$CHAT_IDENTITY"

cat <<END
ENTRA_AUTHORITY=$AUTHORITY
ENTRA_TENANT_ID=$TENANT
MCP_SERVER_URL=$MCP_URL
MCP_SERVER_CLIENT_ID=$API
MCP_SERVER_SCOPE=api://$API/mcp:tools
WEBCLIENT_URL=$CHAT_URL
WEBCLIENT_CLIENT_ID=$WEB
CONSOLE_CLIENT_ID=$CONSOLE
END
if [ "${MCP_URL_AS_ID:-}" ]; then echo "MCP_SERVER_APP_ID_URI=api://$API $MCP_URL"; fi
if [ "$CHAT_IDENTITY" ]; then
  echo "# of a user-assigned identity: managed:<client ID of the identity>"
  echo "ENTRA_CLIENT_IDENTITY=managed"
else
  echo "# WEBCLIENT_CLIENT_SECRET: az ad app credential reset --id $WEB --append --display-name chat --years 1 --query password"
fi
if [ "${CONSOLE_IDENTITY:-}" ]; then echo "# where the terminal chat runs: ENTRA_CLIENT_IDENTITY=managed"; fi
