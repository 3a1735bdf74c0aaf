// The roles that only a consumer needs: for the events of its data account, and for the blob trigger that they fire.

param appPrincipalId string
param topicPrincipalId string
param hostAccountName string
param dataAccountName string
param deadLetterContainer string
param poisonQueue string

var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var storageQueueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'

resource hostAccount 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: hostAccountName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource deadLetters 'containers' existing = {
      name: deadLetterContainer
    }
  }
}

resource dataAccount 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: dataAccountName

  resource queues 'queueServices' existing = {
    name: 'default'

    resource poison 'queues' existing = {
      name: poisonQueue
    }
  }
}

resource deadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostAccount::blobs::deadLetters.id, topicPrincipalId, storageBlobDataContributor)
  scope: hostAccount::blobs::deadLetters
  properties: {
    principalId: topicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

resource poison 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dataAccount::queues::poison.id, appPrincipalId, storageQueueDataContributor)
  scope: dataAccount::queues::poison
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataContributor)
  }
}
