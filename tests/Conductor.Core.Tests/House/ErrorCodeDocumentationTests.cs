namespace Conductor.Tests.House;

/// <summary>Every error code that the library uses is documented.</summary>
public sealed class ErrorCodeDocumentationTests
{
    private const string Contract = "docs/contract.md";

    public static TheoryData<string> Codes => [.. typeof(ErrorCodes).GetFields().Select(constant => (string)constant.GetRawConstantValue()!)];

    [Theory]
    [MemberData(nameof(Codes))]
    public void ErrorCode_IsDocumented(string code)
    {
        var documents = File.Exists(Path.Combine(SourceTree.Root, Contract)) ? SourceTree.Read(Contract) : SourceTree.Read("src/Conductor.Core/ErrorCodes.cs");

        documents.Should().Contain(code);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void ErrorCode_IsUpperSnakeCase(string code) => code.Should().MatchRegex("^[A-Z]+(_[A-Z]+)*$");
}
