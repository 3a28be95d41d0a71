<#
.SYNOPSIS
The last step of a task sequence in the new Windows: hands the machine to its first setup.

.DESCRIPTION
Runs "sysprep /oobe" and never "/generalize": generalizing deletes AutopilotConfigurationFile.json. sysprep fails on a
machine that is in a domain, so that is looked at first; a management agent that is installed would collide with the
enrolment. -Restart lets sysprep restart the machine, otherwise the sequence does. Exit code 0, or 1 and the reason.
#>
[CmdletBinding()]
param([switch] $Restart)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

try {
    $file = Join-Path -Path $env:WINDIR -ChildPath 'Provisioning\Autopilot\AutopilotConfigurationFile.json'
    if (-not (Test-Path -LiteralPath $file)) { throw 'The profile file is not in place: the step that adds it failed.' }
    $computer = Get-CimInstance -ClassName Win32_ComputerSystem
    if ($computer.PartOfDomain) {
        throw 'The machine is in a domain: let the sequence join a workgroup (Apply Network Settings).'
    }
    $recovery = (& reagentc.exe /info) -join ' '
    if ($recovery -match 'Disabled') { $null = & reagentc.exe /enable }
    $sysprep = Join-Path -Path $env:WINDIR -ChildPath 'System32\Sysprep\sysprep.exe'
    $end = if ($Restart) { '/reboot' } else { '/quit' }
    $process = Start-Process -FilePath $sysprep -ArgumentList '/oobe', '/quiet', $end -Wait -PassThru
    if ($process.ExitCode -ne 0) { throw ('sysprep ended with {0}; see Windows\System32\Sysprep\Panther.' -f $process.ExitCode) }
    if (-not (Test-Path -LiteralPath $file)) { throw 'sysprep has deleted the profile file: was it told to generalize?' }
    exit 0
}
catch {
    Write-Output ('Failed: {0}' -f $_.Exception.Message)
    exit 1
}
