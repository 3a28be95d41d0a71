@echo off
rem Wipe and load: puts Windows and the Autopilot profile file onto a disk. For Windows PE.
rem
rem   install-windows.cmd IMAGE INDEX [DISK] [/y] [/bios]
rem
rem   IMAGE   install.wim or install.esd, for example D:\sources\install.wim
rem   INDEX   the edition inside the image; "dism /Get-ImageInfo /ImageFile:IMAGE" lists them
rem   DISK    number of the disk as diskpart lists it; 0 without it. EVERYTHING ON IT IS LOST.
rem   /y      do not ask before the disk is wiped
rem   /bios   go on where the machine was started in BIOS mode
rem
rem Ends with 0 when Windows is in place (then restart), otherwise with 1 and a line that says why. Before the disk
rem is wiped everything is looked at that can be looked at; until then nothing is changed.
setlocal EnableExtensions DisableDelayedExpansion

set "HERE=%~dp0"
set "PROFILE=%HERE%AutopilotConfigurationFile.json"
set "ANSWER=%HERE%unattend.xml"
set "SCRIPT=%TEMP%\td-disk.txt"
set "IMAGE=%~1"
set "INDEX=%~2"
set "DISK=0"
set "ASK=1"
set "BIOS=0"
if "%~2"=="" goto usage
shift
shift
:options
if "%~1"=="" goto checks
if /i "%~1"=="/y" (set "ASK=0") else if /i "%~1"=="/bios" (set "BIOS=1") else set "DISK=%~1"
shift
goto options

:checks
reg query "HKLM\SYSTEM\CurrentControlSet\Control\MiniNT" >nul 2>&1
if errorlevel 1 call :say "this is no Windows PE: start the machine from the medium first" & goto failed
if not exist "%IMAGE%" call :say "the image is not there" & goto failed
if not exist "%PROFILE%" call :say "AutopilotConfigurationFile.json does not stand beside this script" & goto failed
if not exist "%ANSWER%" call :say "unattend.xml does not stand beside this script" & goto failed
set "NUMBER=%INDEX%"
call :digits || (call :say "INDEX must be a number" & goto failed)
set "NUMBER=%DISK%"
call :digits || (call :say "DISK must be a number" & goto failed)
call :ascii || (call :say "AutopilotConfigurationFile.json is not plain ASCII: Windows would ignore it. Export it again." & goto failed)
dism /English /Get-ImageInfo /ImageFile:"%IMAGE%" /Index:%INDEX% >nul
if errorlevel 1 call :say "the image can't be read, or has no such index" & goto failed

rem Firmware: 1 is BIOS, 2 is UEFI.
wpeutil UpdateBootInfo >nul 2>&1
set "FIRMWARE="
for /f "tokens=3" %%F in ('reg query "HKLM\SYSTEM\CurrentControlSet\Control" /v PEFirmwareType 2^>nul ^| find "PEFirmwareType"') do set "FIRMWARE=%%F"
if "%FIRMWARE%"=="0x2" goto uefi
if not "%FIRMWARE%"=="0x1" call :say "the firmware mode can't be told" & goto failed
if "%BIOS%"=="0" call :say "started in BIOS mode: switch the firmware to UEFI, or say /bios" & goto failed
goto ask
:uefi
set "BIOS=0"

:ask
if "%ASK%"=="0" goto wipe
echo.
echo Disk %DISK% will be wiped. Type WIPE to go on.
set "SAID="
set /p "SAID="
if not "%SAID%"=="WIPE" call :say "nothing was changed" & goto failed

:wipe
if "%BIOS%"=="1" (call :layout_bios) else call :layout_uefi
diskpart /s "%SCRIPT%"
if errorlevel 1 call :say "the disk could not be partitioned" & goto failed
del "%SCRIPT%" >nul 2>&1

dism /Apply-Image /ImageFile:"%IMAGE%" /Index:%INDEX% /ApplyDir:W:\
if errorlevel 1 call :say "the image could not be applied" & goto failed
if "%BIOS%"=="1" (W:\Windows\System32\bcdboot.exe W:\Windows /s S: /f BIOS) else W:\Windows\System32\bcdboot.exe W:\Windows /s S: /f UEFI
if errorlevel 1 call :say "the boot files could not be written" & goto failed

rem The recovery environment: Autopilot Reset does not work without it.
if not exist W:\Windows\System32\Recovery\Winre.wim call :say "warning: the image has no recovery environment; resets will not work" & goto profile
md R:\Recovery\WindowsRE
copy /y /b W:\Windows\System32\Recovery\Winre.wim R:\Recovery\WindowsRE\Winre.wim >nul
if errorlevel 1 call :say "the recovery environment could not be copied" & goto failed
W:\Windows\System32\reagentc.exe /SetREImage /Path R:\Recovery\WindowsRE /Target W:\Windows
if errorlevel 1 call :say "the recovery environment could not be registered" & goto failed

:profile
rem The name of folder and file must be exactly this.
if not exist W:\Windows\Provisioning\Autopilot md W:\Windows\Provisioning\Autopilot
copy /y /b "%PROFILE%" W:\Windows\Provisioning\Autopilot\AutopilotConfigurationFile.json >nul
if errorlevel 1 call :say "the profile file could not be copied" & goto failed
fc /b "%PROFILE%" W:\Windows\Provisioning\Autopilot\AutopilotConfigurationFile.json >nul
if errorlevel 1 call :say "the profile file was not copied whole" & goto failed
if not exist W:\Windows\Panther md W:\Windows\Panther
copy /y /b "%ANSWER%" W:\Windows\Panther\unattend.xml >nul
if errorlevel 1 call :say "the answer file could not be copied" & goto failed

rem An image as its maker ships it is generalized already: its first start is the first setup, and nothing is left to
rem run. sysprep /generalize here would delete the profile file again.
call :say "done: remove the medium and restart (wpeutil reboot)"
endlocal
exit /b 0

:failed
if exist "%SCRIPT%" del "%SCRIPT%" >nul 2>&1
endlocal
exit /b 1

:usage
call :say "usage: install-windows.cmd IMAGE INDEX [DISK] [/y] [/bios]"
endlocal
exit /b 1

:say
echo install-windows: %~1
exit /b 0

:digits
set "REST=x"
for /f "delims=0123456789" %%D in ("%NUMBER%x") do set "REST=%%D"
if not "%REST%"=="x" exit /b 1
if "%NUMBER%"=="" exit /b 1
exit /b 0

rem The first octets of the file must be an opening brace and no mark of UTF-8 or UTF-16.
:ascii
set "FIRST="
set /p "FIRST=" < "%PROFILE%"
if not defined FIRST exit /b 1
if not "%FIRST:~0,1%"=="{" exit /b 1
exit /b 0

:layout_uefi
> "%SCRIPT%" (
  echo select disk %DISK%
  echo clean
  echo convert gpt
  echo create partition efi size=300
  echo format quick fs=fat32 label=System
  echo assign letter=S
  echo create partition msr size=16
  echo create partition primary
  echo shrink minimum=1024
  echo format quick fs=ntfs label=Windows
  echo assign letter=W
  echo create partition primary
  echo format quick fs=ntfs label=Recovery
  echo assign letter=R
  echo set id=de94bba4-06d1-4d40-a16a-bfd50179d6ac
  echo gpt attributes=0x8000000000000001
  echo exit
)
exit /b 0

:layout_bios
> "%SCRIPT%" (
  echo select disk %DISK%
  echo clean
  echo convert mbr
  echo create partition primary size=300
  echo format quick fs=ntfs label=System
  echo assign letter=S
  echo active
  echo create partition primary
  echo shrink minimum=1024
  echo format quick fs=ntfs label=Windows
  echo assign letter=W
  echo create partition primary
  echo format quick fs=ntfs label=Recovery
  echo assign letter=R
  echo set id=27
  echo exit
)
exit /b 0
