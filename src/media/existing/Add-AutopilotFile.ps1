<#
.SYNOPSIS
Puts AutopilotConfigurationFile.json into a Windows that a task sequence has just applied.

.DESCRIPTION
A step of a Configuration Manager task sequence behind "Apply Operating System", still in Windows PE, run from a
package that holds this script and the file. The Windows folder comes from the sequence (OSDTargetSystemDrive), or from
-WindowsFolder where the script runs by itself. Ends with exit code 0, or 1 and the reason.
#>
[CmdletBinding()]
param(
    [string] $WindowsFolder,
    [string] $ProfileFile = (Join-Path -Path $PSScriptRoot -ChildPath 'AutopilotConfigurationFile.json')
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function Get-TargetWindows {
    if ($WindowsFolder) { return $WindowsFolder }
    try {
        $sequence = New-Object -ComObject 'Microsoft.SMS.TSEnvironment'
    }
    catch {
        throw 'No task sequence is running: say -WindowsFolder.'
    }
    $drive = $sequence.Value('OSDTargetSystemDrive')
    if (-not $drive) { throw 'The sequence has not applied an operating system yet (OSDTargetSystemDrive is empty).' }
    return (Join-Path -Path $drive -ChildPath 'Windows')
}

function Test-Ascii {
    param([byte[]] $Octets)
    for ($i = 0; $i -lt $Octets.Length; $i++) {
        if ($Octets[$i] -ge 128 -or $Octets[$i] -eq 0) {
            throw ('Octet {0} of the file is not ASCII: Windows would ignore the whole file.' -f ($i + 1))
        }
    }
}

try {
    $octets = [System.IO.File]::ReadAllBytes($ProfileFile)
    Test-Ascii -Octets $octets
    $content = [System.Text.Encoding]::ASCII.GetString($octets) | ConvertFrom-Json
    foreach ($name in 'ZtdCorrelationId', 'CloudAssignedTenantId', 'CloudAssignedTenantDomain',
        'CloudAssignedOobeConfig', 'CloudAssignedDomainJoinMethod', 'CloudAssignedForcedEnrollment',
        'CloudAssignedAadServerData') {
        if (-not ($content.PSObject.Properties.Name -contains $name)) { throw ('The file has no {0}.' -f $name) }
    }
    $windows = Get-TargetWindows
    if (-not (Test-Path -LiteralPath (Join-Path -Path $windows -ChildPath 'System32'))) {
        throw ('{0} is no Windows folder.' -f $windows)
    }
    $folder = Join-Path -Path $windows -ChildPath 'Provisioning\Autopilot'
    $null = New-Item -ItemType Directory -Path $folder -Force
    $target = Join-Path -Path $folder -ChildPath 'AutopilotConfigurationFile.json'
    [System.IO.File]::WriteAllBytes($target, $octets)
    Write-Output ('The profile file is in place: {0}' -f $target)
    exit 0
}
catch {
    Write-Output ('Failed: {0}' -f $_.Exception.Message)
    exit 1
}
